/** Long histories of many clients and a store that does everything at one moment, for trying out the checker. */

import { Random } from "../sim/random.ts";
import type { Operation } from "./history.ts";
import type { KeyValueAnswer, KeyValueCall } from "./key-value-call.ts";

export interface LongHistory {
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** How often a client does not hear what became of its write. */
  readonly lossRate: number;
  /** Whether answers tell revisions. */
  readonly revisions: boolean;
}

interface Pending {
  readonly client: string;
  readonly call: KeyValueCall;
  readonly invokedAtMs: number;
  readonly effectAtMs: number;
  readonly atMs: number;
}

export function makeHistory(shape: LongHistory): Operation<KeyValueCall, KeyValueAnswer>[] {
  const random = new Random(shape.seed);
  const stored = new Map<string, { value: string; revision: number }>();
  const revisions = { newest: 1 };
  const known = new Map<string, number>();
  const pending = Array.from({ length: shape.clients }, (_, client) => draw(random, shape, known, `c${client}`, 0));
  const operations: Operation<KeyValueCall, KeyValueAnswer>[] = [];
  while (operations.length < shape.operations) {
    pending.sort((one, other) => one.effectAtMs - other.effectAtMs);
    const { client, call, invokedAtMs, atMs } = pending.shift() ?? draw(random, shape, known, "c0", 0);
    const lost = call.kind === "put" && random.chance(shape.lossRate);
    // Half of the lost ones never happen.
    if (!lost || random.chance(0.5)) {
      const answer = take(call, stored, revisions, shape.revisions);
      if (call.kind === "put") known.set(call.key, revisions.newest);
      operations.push({ client, call, invokedAtMs, completion: lost ? null : { atMs, answer } });
    } else operations.push({ client, call, invokedAtMs, completion: null });
    pending.push(draw(random, shape, known, client, atMs));
  }
  return operations;
}

function draw(
  random: Random,
  { keys, revisions }: LongHistory,
  known: ReadonlyMap<string, number>,
  client: string,
  afterMs: number,
): Pending {
  const invokedAtMs = afterMs + random.exponential(1);
  const effectAtMs = invokedAtMs + random.exponential(2);
  const atMs = effectAtMs + random.exponential(2);
  const key = `k${random.below(keys)}`;
  const value = `${client}.${Math.round(invokedAtMs * 1000)}`;
  if (random.chance(0.5)) return { client, call: { kind: "get", key }, invokedAtMs, effectAtMs, atMs };
  const condition = revisions && random.chance(0.3) ? { condition: { revision: known.get(key) ?? 0 } } : {};
  return { client, call: { kind: "put", key, value, ...condition }, invokedAtMs, effectAtMs, atMs };
}

function take(
  call: KeyValueCall,
  stored: Map<string, { value: string; revision: number }>,
  revisions: { newest: number },
  told: boolean,
): KeyValueAnswer {
  if (call.kind !== "get" && call.kind !== "put") throw new Error(`no ${call.kind} here`);
  const found = stored.get(call.key);
  if (call.kind === "get") {
    return { kind: "read", seen: found === undefined ? null : told ? found : { value: found.value } };
  }
  const { condition } = call;
  if (condition !== undefined && "revision" in condition && condition.revision !== (found?.revision ?? 0)) {
    return { kind: "refused", found: found?.revision ?? null };
  }
  revisions.newest += 1;
  const revision = revisions.newest;
  stored.set(call.key, { value: call.value, revision });
  return told ? { kind: "written", revision } : { kind: "written" };
}
