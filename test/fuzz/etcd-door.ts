/** etcd's JSON gateway as a door. */

import { methods } from "../../src/api/etcd/methods.ts";
import type { Outcome } from "./door.ts";
import { unfitForClients } from "./documented-errors.ts";
import { type Answer, httpDoor } from "./http-door.ts";
import type { Example } from "./http-request.ts";

/** The statuses that etcd's gateway has for each code; of 2, unknown, it has none that anybody should see. */
const statuses: ReadonlyMap<number, number> = new Map([
  [3, 400],
  [5, 404],
  [7, 403],
  [8, 429],
  [9, 412],
  [11, 400],
  [12, 501],
  [14, 503],
  [16, 401],
]);

/** What etcd itself has not given a code, and sends with status 500. */
const etcdsUnknown: ReadonlySet<unknown> = new Set([
  "election: no leader",
  "election: not leader",
  '"leader" field must be provided',
  "etcdserver: key is not provided",
  "etcdserver: requested lease not found",
  "context canceled",
]);
/** Streams of which a message that is none counts as a mistake of the server: etcd's gateway has it so. */
const manyToMany = /\/(?:watch|lease\/keepalive)$/;

const [a, b] = ["YQ==", "Yg=="];
const operations = [
  { requestRange: { key: a, range_end: b, limit: "3", sort_order: "DESCEND", sort_target: "MOD" } },
  { request_put: { key: b, value: "Mg==", lease: "0", prev_kv: true } },
  { request_delete_range: { key: "eA==", prev_kv: true } },
];
const bodies: Readonly<Record<string, unknown>> = {
  "kv/range": {
    key: a,
    range_end: "AA==",
    limit: 5,
    revision: "0",
    serializable: true,
    keys_only: false,
    min_mod_revision: 1,
  },
  "kv/put": { key: a, value: "MQ==", lease: 0, prev_kv: true, ignore_value: false },
  "kv/deleterange": { key: b, range_end: "eg==", prev_kv: true },
  "kv/txn": {
    compare: [
      { key: a, target: "VALUE", result: "EQUAL", value: "MQ==" },
      { key: a, target: "VERSION", result: 1, version: "0" },
      { key: b, range_end: "eg==", target: "LEASE", lease: "7" },
    ],
    success: [...operations, { request_txn: { compare: [], success: operations.slice(0, 1), failure: [] } }],
    failure: operations,
  },
  "kv/compaction": { revision: "3", physical: true },
  watch: {
    create_request: {
      key: a,
      range_end: "AA==",
      start_revision: "1",
      filters: ["NOPUT"],
      prev_kv: true,
      watch_id: 1,
      fragment: true,
    },
  },
  "lease/grant": { TTL: "60", ID: "7" },
  "lease/keepalive": { ID: "7" },
  "lease/revoke": { ID: 8 },
  "lease/timetolive": { ID: "7", keys: true },
  "lock/lock": { name: a, lease: "7" },
  "lock/unlock": { key: "YS83" },
  "election/campaign": { name: a, lease: "7", value: b },
  "election/proclaim": { leader: { name: a, key: "YS83", rev: "3", lease: "7" }, value: b },
  "election/resign": { leader: { name: a, key: "YS83", rev: "3", lease: "7" } },
  "election/leader": { name: a },
  "election/observe": { name: a },
  "cluster/member/list": { linearizable: true },
  "cluster/member/add": { peerURLs: ["http://n1"], isLearner: true },
  "cluster/member/remove": { ID: "1" },
  "cluster/member/promote": { ID: "18446744073709551615" },
  "maintenance/transfer-leadership": { targetID: "1" },
  "maintenance/alarm": { action: "GET", memberID: "0", alarm: "NONE" },
  "maintenance/hashkv": { revision: "0" },
  "auth/authenticate": { name: "root", password: "x" },
};
const common = ["kv/range", "kv/put", "kv/txn", "kv/deleterange", "lease/grant", "watch"];

const examples: readonly Example[] = [...methods.keys(), ...common, ...common, ...common].map((path) => ({
  method: "POST",
  path: path === "kv/put" ? "/v1/groups/default/v3/kv/put" : `/v3/${path}`,
  headers: { "content-type": ["application/json", "text/plain"], authorization: ["token"] },
  body: bodies[path] ?? {},
}));

export const etcdDoor = httpDoor({ name: "etcd", weight: 1, examples, names: ["a"], timeout: null, judge });

function judge({ request, status, headers, body, hasEffect }: Answer): Outcome {
  // Locks and elections wait until it is somebody's turn.
  if (status === 0) return "refused";
  if (status < 400) return "accepted";
  const { pathname } = new URL(request.url);
  // Our own API has errors of its own, and what has no method is answered in words, as by the gateway.
  if (!/^(?:\/v1\/groups\/[^/]+)?\/v3(?:alpha|beta)?\//.test(pathname)) return "refused";
  const isText = (headers.get("content-type") ?? "").startsWith("text/plain");
  if (isText && (status === 404 || status === 405)) return "refused";
  const answer = JSON.parse(body) as Readonly<Record<string, unknown>>;
  const error = (typeof answer["error"] === "object" ? answer["error"] : answer) as Readonly<Record<string, unknown>>;
  const { code, message } = error;
  const isUnknown = code === 2 && status === 500 && message !== "etcdserver: internal error";
  const isEtcdsOwn = isUnknown && (etcdsUnknown.has(message) || manyToMany.test(pathname));
  const isKnown = isEtcdsOwn || statuses.get(Number(code)) === status;
  if (!isKnown) throw new Error(`${status} with code ${String(code)}: ${body}`);
  if (typeof message !== "string" || message.trim() === "" || unfitForClients.test(message)) {
    throw new Error(`not for clients: ${String(message)}`);
  }
  // What is not available may have happened; a lock that was not got may have been waited for.
  if (hasEffect && status !== 503 && !/lock|election/.test(pathname)) {
    throw new Error(`${message}, and something has changed`);
  }
  return "refused";
}
