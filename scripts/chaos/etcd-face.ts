/** The load's calls in the words of etcd's v3 API, as its JSON gateway has them. */

import type { Compare, KeyValueCall, Seen, Step } from "../../test/linearizability/key-value-call.ts";
import { expectedRevision, nameIn } from "./face.ts";
import type { Face, Result } from "./face.ts";
import { send } from "./http.ts";

type Transaction = Extract<KeyValueCall, { readonly kind: "transaction" }>;

// Keys and values of the load are ASCII.
const encode = btoa;
const decode = atob;

/** etcd's errors do not say whether a write may still happen, so each leaves that open. */
export const etcdFace: Face = {
  name: "etcd",
  readStale: null,

  async ask(url, call) {
    switch (call.kind) {
      case "get": {
        const { body, result } = await post<Range>(url, "kv/range", { key: encode(call.key) });
        if (body === null) return result;
        const [kv] = body.kvs ?? [];
        return answered({ kind: "read", seen: kv === undefined ? null : seenIn(kv) }, revisionOf(body));
      }
      case "list":
        return listed(call.keys, await post<Transacted>(url, "kv/txn", { success: call.keys.map(getJson) }));
      case "put":
      case "delete":
        return call.condition === undefined ? writeAlways(url, call) : writeIf(url, call);
      case "transaction":
        return transact(url, call);
    }
  },
};

interface Answer {
  readonly header: { readonly revision: string };
}

interface Pair {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: string;
}

interface Range extends Answer {
  readonly kvs?: readonly Pair[];
}

interface Transacted extends Answer {
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly Pair[] } }[];
}

type Posted<Body> = { readonly body: Body; readonly result: null } | { readonly body: null; readonly result: Result };

async function post<Body extends Answer>(url: string, method: string, request: object): Promise<Posted<Body>> {
  const outcome = await send("POST", `${url}/v3/${method}`, {}, JSON.stringify(request));
  if (outcome === "nothing") return { body: null, result: { kind: "refused" } };
  if (outcome === "unknown" || outcome.status !== 200) return { body: null, result: { kind: "unknown" } };
  return { body: JSON.parse(outcome.text) as Body, result: null };
}

const revisionOf = ({ header }: Answer): number => Number(header.revision);
const seenIn = ({ value = "", mod_revision: revision }: Pair): Seen => ({
  value: nameIn(decode(value)),
  revision: Number(revision),
});

function answered(answer: Extract<Result, { kind: "answered" }>["answer"], revision: number): Result {
  return { kind: "answered", answer, revision };
}

function listed(keys: readonly string[], { body, result }: Posted<Transacted>): Result {
  if (body === null) return result;
  const seen = new Map<string, Seen>();
  for (const [position, key] of keys.entries()) {
    const kv = body.responses?.[position]?.response_range?.kvs?.[0];
    if (kv !== undefined) seen.set(key, seenIn(kv));
  }
  return answered({ kind: "listed", seen }, revisionOf(body));
}

async function writeAlways(url: string, call: Extract<KeyValueCall, { kind: "put" | "delete" }>): Promise<Result> {
  const method = call.kind === "put" ? "kv/put" : "kv/deleterange";
  const request =
    call.kind === "put" ? { key: encode(call.key), value: encode(call.value) } : { key: encode(call.key) };
  const { body, result } = await post<Answer & { readonly deleted?: string }>(url, method, request);
  if (body === null) return result;
  if (call.kind === "delete" && body.deleted === undefined) return answered({ kind: "missing" }, revisionOf(body));
  return answered({ kind: "written", revision: revisionOf(body) }, revisionOf(body));
}

/** etcd has no conditions but those of transactions. */
async function writeIf(url: string, call: Extract<KeyValueCall, { kind: "put" | "delete" }>): Promise<Result> {
  const { key, condition = { exists: false } } = call;
  const { body, result } = await post<Transacted>(url, "kv/txn", {
    compare: [compareJson({ key, condition })],
    success: [stepJson(call.kind === "put" ? { kind: "put", key, value: call.value } : { kind: "delete", key })],
    failure: [getJson(key)],
  });
  if (body === null) return result;
  const revision = revisionOf(body);
  if (body.succeeded === true) return answered({ kind: "written", revision }, revision);
  const kv = body.responses?.[0]?.response_range?.kvs?.[0];
  return answered({ kind: "refused", found: kv === undefined ? null : Number(kv.mod_revision) }, revision);
}

async function transact(url: string, call: Transaction): Promise<Result> {
  const { body, result } = await post<Transacted>(url, "kv/txn", {
    compare: call.compare.map(compareJson),
    success: call.success.map(stepJson),
    failure: call.failure.map(stepJson),
  });
  if (body === null) return result;
  const { succeeded = false } = body;
  const revision = revisionOf(body);
  const steps = succeeded ? call.success : call.failure;
  const seen = steps.map((step, position) => {
    const kv = step.kind === "get" ? body.responses?.[position]?.response_range?.kvs?.[0] : undefined;
    return kv === undefined ? null : seenIn(kv);
  });
  const writes = steps.some(({ kind }) => kind !== "get");
  return answered({ kind: "transacted", succeeded, seen, ...(writes ? { revision } : {}) }, revision);
}

function compareJson({ key, condition }: Compare): object {
  if ("value" in condition) throw new Error("a comparison that no client makes");
  return { key: encode(key), target: "MOD", result: "EQUAL", mod_revision: String(expectedRevision(condition)) };
}

function stepJson(step: Step): object {
  if (step.kind === "put") return { request_put: { key: encode(step.key), value: encode(step.value) } };
  return step.kind === "get" ? getJson(step.key) : { request_delete_range: { key: encode(step.key) } };
}

function getJson(key: string): object {
  return { request_range: { key: encode(key) } };
}
