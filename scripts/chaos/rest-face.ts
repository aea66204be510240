/** The load's calls in the words of this project's own HTTP API. */

import type { Compare, KeyValueAnswer, KeyValueCall, Seen, Step } from "../../test/linearizability/key-value-call.ts";
import { clusterTimeoutMs, expectedRevision, nameIn } from "./face.ts";
import type { Face, Result, StaleRead } from "./face.ts";
import { send } from "./http.ts";
import type { HttpAnswer, HttpOutcome } from "./http.ts";

type Transaction = Extract<KeyValueCall, { readonly kind: "transaction" }>;

const timeout = `timeout=${clusterTimeoutMs}ms`;
const keyUrl = (url: string, key: string): string => `${url}/v1/kv/${encodeURIComponent(key)}?${timeout}`;

export const restFace: Face = {
  name: "REST",

  async ask(url, call, idempotencyKey) {
    switch (call.kind) {
      case "get":
        return readOne(await send("GET", `${keyUrl(url, call.key)}&format=json`));
      case "list": {
        const body = JSON.stringify({ keys: call.keys });
        return readSeveral(call.keys, await send("POST", `${url}/v1/get?${timeout}`, {}, body));
      }
      case "put":
      case "delete": {
        const [method, body] = call.kind === "put" ? (["PUT", call.value] as const) : (["DELETE", null] as const);
        const headers = { ...conditionHeaders(call), ...idempotencyHeaders(idempotencyKey) };
        return readWritten(await send(method, keyUrl(url, call.key), headers, body));
      }
      case "transaction": {
        const lists = [call.compare.map(compareJson), call.success.map(stepJson), call.failure.map(stepJson)];
        const body = JSON.stringify(Object.fromEntries(["if", "then", "else"].map((name, at) => [name, lists[at]])));
        const answer = await send("POST", `${url}/v1/txn?${timeout}`, idempotencyHeaders(idempotencyKey), body);
        return readTransacted(call, answer);
      }
    }
  },

  async readStale(url, { key, node, minIndex, maxStalenessMs }: StaleRead) {
    const bound =
      minIndex === undefined
        ? maxStalenessMs === undefined
          ? ""
          : `&max_staleness=${maxStalenessMs}ms`
        : `&min_index=${minIndex}`;
    return readOne(await send("GET", `${keyUrl(url, key)}&format=json&consistency=stale&node=${node}${bound}`));
  },
};

function conditionHeaders(call: Extract<KeyValueCall, { kind: "put" | "delete" }>): Record<string, string> {
  if (call.condition === undefined) return {};
  const revision = expectedRevision(call.condition);
  return revision === 0 ? { "if-none-match": "*" } : { "if-match": `"${revision}"` };
}

function idempotencyHeaders(key: string | null): Record<string, string> {
  return key === null ? {} : { "idempotency-key": key };
}

interface Item {
  readonly key: string;
  readonly value: string;
  readonly mod_revision: number;
}

const seenIn = ({ value, mod_revision: revision }: Item): Seen => ({ value: nameIn(value), revision });

/** The answer of a node that did what it was asked to. */
function answered(answer: KeyValueAnswer, { headers }: HttpAnswer, revision?: number): Result {
  const index = Number(headers["x-raft-index"]);
  return {
    kind: "answered",
    answer,
    ...(revision === undefined ? {} : { revision }),
    ...(Number.isSafeInteger(index) ? { index } : {}),
  };
}

/** Anything but an answer: what its error says of it. */
function failed(outcome: HttpOutcome): Result {
  if (outcome === "nothing") return { kind: "refused" };
  if (outcome === "unknown") return { kind: "unknown" };
  return isAmbiguous(outcome) ? { kind: "unknown" } : { kind: "refused" };
}

function isAmbiguous({ text }: HttpAnswer): boolean {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly ambiguous?: unknown } };
    return error?.ambiguous !== false;
  } catch {
    return true;
  }
}

const isDone = (outcome: HttpOutcome): outcome is HttpAnswer =>
  typeof outcome === "object" && (outcome.status === 200 || outcome.status === 201);
const isDefinite = (outcome: HttpOutcome, status: number): outcome is HttpAnswer =>
  typeof outcome === "object" && outcome.status === status && !isAmbiguous(outcome);

function readOne(outcome: HttpOutcome): Result {
  if (isDone(outcome)) {
    const item = JSON.parse(outcome.text) as Item & { readonly revision: number };
    return answered({ kind: "read", seen: seenIn(item) }, outcome, item.revision);
  }
  if (isDefinite(outcome, 404)) return answered({ kind: "read", seen: null }, outcome);
  return failed(outcome);
}

function readSeveral(keys: readonly string[], outcome: HttpOutcome): Result {
  if (!isDone(outcome)) return failed(outcome);
  const { items, revision } = JSON.parse(outcome.text) as {
    readonly items: readonly (Item | null)[];
    readonly revision: number;
  };
  const seen = new Map<string, Seen>();
  for (const [position, key] of keys.entries()) {
    const item = items[position];
    if (item !== undefined && item !== null) seen.set(key, seenIn(item));
  }
  return answered({ kind: "listed", seen }, outcome, revision);
}

function readWritten(outcome: HttpOutcome): Result {
  if (isDone(outcome)) {
    const { revision } = JSON.parse(outcome.text) as { readonly revision: number };
    return answered({ kind: "written", revision }, outcome, revision);
  }
  if (isDefinite(outcome, 404)) return answered({ kind: "missing" }, outcome);
  if (isDefinite(outcome, 412)) {
    const found = /^"(\d+)"$/.exec(String(outcome.headers["etag"]))?.[1];
    return answered({ kind: "refused", found: found === undefined ? null : Number(found) }, outcome);
  }
  return failed(outcome);
}

function compareJson({ key, condition }: Compare): object {
  if ("value" in condition) throw new Error("a comparison that no client makes");
  const revision = expectedRevision(condition);
  return { key, target: "mod_revision", op: "=", to: revision };
}

function stepJson(step: Step): object {
  if (step.kind === "put") return { put: { key: step.key, value: step.value } };
  return step.kind === "get" ? { get: { key: step.key } } : { delete: { key: step.key } };
}

interface StepResult {
  readonly get?: { readonly items: readonly Item[] };
}

function readTransacted(call: Transaction, outcome: HttpOutcome): Result {
  if (!isDone(outcome)) return failed(outcome);
  const { succeeded, results, revision } = JSON.parse(outcome.text) as {
    readonly succeeded: boolean;
    readonly results: readonly StepResult[];
    readonly revision: number;
  };
  const steps = succeeded ? call.success : call.failure;
  const seen = steps.map((step, position) => {
    const item = step.kind === "get" ? results[position]?.get?.items[0] : undefined;
    return item === undefined ? null : seenIn(item);
  });
  const writes = steps.some(({ kind }) => kind !== "get");
  return answered({ kind: "transacted", succeeded, seen, ...(writes ? { revision } : {}) }, outcome, revision);
}
