/** Requests of the public API that make sense: where the fuzzing of it begins. */

import type { Example } from "./http-request.ts";

/** Few, so that requests meet each other's keys. */
export const names = ["a", "a/b c", "job", "n", "ÿ", "x"];

const reading = {
  consistency: ["linearizable", "stale"],
  node: ["n1", "n2", "n3"],
  min_index: ["1", "5"],
  revision: ["1", "2", "9"],
};
const page = {
  prefix: ["", "a", "a/"],
  start: ["a"],
  end: ["z"],
  limit: ["1", "10", "1000"],
  keys_only: ["true", "false"],
};
const writing = {
  "content-type": ["text/plain", "application/octet-stream", "application/json"],
  "if-match": ["*", '"2"', '"7"'],
  "if-none-match": ["*"],
  "idempotency-key": ["1", "2", "k".repeat(256)],
};
const lifetime = { ttl: ["1h", "60s", "60"], lease: ["7", "8"], keep_lease: ["true"] };

/** As text: an object of this language with a field `then` is taken for a promise. */
const transaction: unknown = JSON.parse(`{
  "if": [
    {"key": "a", "target": "value", "op": "=", "to": "1"},
    {"key": "n", "exists": false},
    {"prefix": "a", "target": "mod_revision", "op": ">", "to": 3}
  ],
  "then": [
    {"put": {"key": "a", "value": "MQ==", "encoding": "base64", "content_type": "text/plain", "metadata": {"by": 1}, "ttl": "1h"}},
    {"increment": {"key": "n", "by": 2}},
    {"get": {"prefix": "", "limit": 5, "sort": "version", "order": "descending", "min_mod_revision": 1}},
    {"txn": {"if": [{"key": "x", "exists": true}], "then": [{"delete": {"key": "x", "previous": true}}], "else": []}}
  ],
  "else": [{"get": {"start": "a", "end": "b", "keys_only": true}}, {"delete": {"key": "job"}}]
}`);

export const keyExamples: readonly Example[] = [
  {
    method: "PUT",
    path: "/v1/kv/*",
    query: lifetime,
    headers: { ...writing, "x-raft-metadata": ['{"by":"me"}'] },
    body: "1",
  },
  { method: "PUT", path: "/v1/kv/*", body: "41" },
  { method: "GET", path: "/v1/kv/*", query: { ...reading, format: ["json"] }, headers: { "if-none-match": ['"2"'] } },
  { method: "HEAD", path: "/v1/kv/*", query: reading },
  { method: "DELETE", path: "/v1/kv/*", headers: { "if-match": ["*", '"3"'], "idempotency-key": ["d"] } },
  { method: "POST", path: "/v1/kv/*/increment", query: { by: ["1", "-5", "9223372036854775807"] }, headers: writing },
  {
    method: "GET",
    path: "/v1/kv",
    query: { ...page, reverse: ["true"], delimiter: ["/"], metadata: ["true"], cursor: ["AWEvYiBj"] },
  },
  { method: "DELETE", path: "/v1/kv", query: { prefix: ["a/"], all: ["true"] } },
  {
    method: "POST",
    path: "/v1/get",
    query: reading,
    body: { keys: ["a", "n", { key: "am9i", key_encoding: "base64" }], keys_only: true },
  },
  { method: "POST", path: "/v1/txn", headers: { "idempotency-key": ["t"] }, body: transaction },
  { method: "POST", path: "/v1/txn", body: transaction },
  {
    method: "POST",
    path: "/v1/batch",
    headers: { "idempotency-key": ["b"] },
    body: '{"put":{"key":"x","value":"1"}}\n{"increment":{"key":"n"}}\n{"delete":{"prefix":"w"}}\n{"get":{"key":"a"}}\n',
  },
  { method: "POST", path: "/v1/compact", body: { revision: 3 } },
  {
    method: "GET",
    path: "/v1/watch",
    query: { key: ["a"], prefix: ["a/"], from: ["1", "3"], prev: ["true"], events: ["put"], progress: ["1s"] },
    headers: { "last-event-id": ["2", "3.1"] },
  },
  { method: "GET", path: "/v1/groups/default/kv/*", headers: { "x-raft-bookmark": ["AQAAAAAAAAAAAAAABA"] } },
  { method: "GET", path: "/v1/cluster" },
  { method: "GET", path: "/v1/metrics" },
  { method: "GET", path: "/v1/readyz" },
  { method: "GET", path: "/healthz" },
  { method: "GET", path: "/openapi.json" },
];

const place = { ttl: ["30s", "1m"], lease: ["7", "8"], wait: ["1ms", "20ms"] };
const claim = { token: ["2", "15"], lease: ["7"] };
const events = { accept: ["text/event-stream", "application/json"] };

export const coordinationExamples: readonly Example[] = [
  {
    method: "POST",
    path: "/v1/leases",
    query: { ttl: ["60s", "30"], id: ["7", "8", "-9"] },
    headers: { "idempotency-key": ["l"] },
  },
  { method: "GET", path: "/v1/leases" },
  { method: "GET", path: "/v1/leases/7", query: { keys: ["true"] } },
  { method: "POST", path: "/v1/leases/8/keepalive" },
  { method: "DELETE", path: "/v1/leases/7" },
  { method: "POST", path: "/v1/locks/*", query: place, headers: events, body: "worker 1" },
  { method: "GET", path: "/v1/locks/*" },
  { method: "DELETE", path: "/v1/locks/*", query: claim },
  { method: "POST", path: "/v1/locks/*/renew", query: claim },
  { method: "POST", path: "/v1/elections/*/campaign", query: place, headers: events, body: "node a" },
  { method: "GET", path: "/v1/elections/*" },
  { method: "GET", path: "/v1/elections/*/observe", headers: { "last-event-id": ["3"] } },
  { method: "POST", path: "/v1/elections/*/proclaim", query: claim, body: "node b" },
  { method: "POST", path: "/v1/elections/*/renew", query: claim },
  { method: "POST", path: "/v1/elections/*/resign", query: claim },
  { method: "POST", path: "/v1/sessions", body: { ttl: "10m" } },
  {
    method: "PUT",
    path: "/v1/kv/*",
    headers: { "idempotency-session": ["of-old"], "idempotency-key": ["1"] },
    body: "2",
  },
  { method: "GET", path: "/v1/cluster/members" },
  {
    method: "POST",
    path: "/v1/cluster/members",
    body: { id: "n1", role: "learner", location_hint: "apac", promote: false },
  },
  {
    method: "POST",
    path: "/v1/cluster/members",
    body: { changes: [{ promote: "n1" }, { remove: "n9" }, { demote: "n8" }] },
  },
  { method: "DELETE", path: "/v1/cluster/members/n9" },
  { method: "POST", path: "/v1/cluster/members/n2/promote" },
  { method: "POST", path: "/v1/cluster/transfer", body: { to: "n9" } },
  { method: "POST", path: "/v1/cluster/recover", body: { node: "n1", confirm: "the majority is gone for good" } },
];
