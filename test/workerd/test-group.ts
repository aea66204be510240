/** A group of real nodes in workerd, called as the Worker in front and as other nodes call them. */

import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import type { Env, Timing } from "../../src/env.ts";
import {
  type Consistency,
  internalHeader,
  internalOrigin,
  internalPath,
  type NodeStatus,
  objectName,
  type Refusal,
  refusalStatus,
} from "../../src/internal.ts";
import { decodeAnswer } from "../../src/kv/answer-codec.ts";
import { encodeCommand } from "../../src/kv/command-codec.ts";
import { fingerprintBytes, type OperationResult } from "../../src/kv/model.ts";
import { conditional, putOf, rangeOf } from "../../src/kv/operations.ts";
import { encodeQuery } from "../../src/kv/query-codec.ts";
import { decodeResult } from "../../src/kv/result-codec.ts";
import { oneKey } from "../../src/kv/span.ts";
import { faults } from "./faults.ts";

const { RAFT_NODE } = env as unknown as Env;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** How a call ended for whoever made it. */
export type Ended<Result> = { readonly done: Result; readonly index: number } | { readonly refused: Refusal };

/** So patient that a busy machine brings no election that a test has not asked for. */
export const calm: Timing = { heartbeatMs: 50, electionMinMs: 500, electionMaxMs: 800 };
/** That of `npm start`. */
export const brisk: Timing = { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 };

let groups = 0;

export class TestGroup {
  readonly name: string;
  readonly ids: readonly string[] = ["n1", "n2", "n3"];

  constructor(timing = calm) {
    groups += 1;
    this.name = `group-${groups}`;
    for (const id of this.ids) this.time(id, timing);
  }

  /** Gives a node a timing of its own, from its next start on. */
  time(id: string, timing: Timing): void {
    faults.configure(this.object(id), { RAFT_PROFILE: "test", RAFT_TIMINGS: { test: timing } });
  }

  /** The name of a node's object. */
  object(id: string): string {
    return objectName(this.name, id);
  }

  stub(id: string): DurableObjectStub {
    return RAFT_NODE.getByName(this.object(id));
  }

  async call(id: string, path: string, body: Uint8Array | null, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await this.stub(id).fetch(internalOrigin + path, {
      method: "POST",
      headers: { [internalHeader.group]: this.name, [internalHeader.node]: id, ...headers },
      body,
    });
    return { status: response.status, headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) };
  }

  async status(id: string): Promise<NodeStatus> {
    return json(await this.call(id, internalPath.status, null)) as NodeStatus;
  }

  async statuses(ids = this.ids): Promise<readonly NodeStatus[]> {
    return await Promise.all(ids.map((id) => this.status(id)));
  }

  /** One figure of a node's metrics, the sum of all lines that have these labels; 0 when there is none. */
  async metric(id: string, name: string, ...labels: readonly string[]): Promise<number> {
    const { body } = await this.call(id, internalPath.metrics, null);
    return text(body)
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  async propose(id: string, command: Uint8Array, timeoutMs = 5000): Promise<Ended<Uint8Array>> {
    const headers = { [internalHeader.timeoutMs]: String(timeoutMs) };
    return ended(await this.call(id, internalPath.propose, command, headers));
  }

  async put(id: string, key: string, value: string, timeoutMs = 5000): Promise<Ended<OperationResult>> {
    const outcome = await this.propose(id, putCommand(key, value), timeoutMs);
    if ("refused" in outcome) return outcome;
    const result = decodeResult(outcome.done);
    if (result?.status !== "txn") throw new Error(`a put was answered as ${result?.status}`);
    return { done: result.txn.results[0]!, index: outcome.index };
  }

  /** A key's value as a node answers it; null when it has none. */
  async get(
    id: string,
    key: string,
    consistency: Consistency = "linearizable",
    timeoutMs = 5000,
  ): Promise<Ended<string | null>> {
    const headers = {
      [internalHeader.consistency]: consistency,
      [internalHeader.timeoutMs]: String(timeoutMs),
    };
    const query = encodeQuery(rangeOf(oneKey(bytes(key))));
    const outcome = ended(await this.call(id, internalPath.query, query, headers));
    if ("refused" in outcome) return outcome;
    const answer = decodeAnswer(outcome.done)!;
    const [item] = answer.status === "range" ? answer.range.items : [];
    return { done: item === undefined ? null : text(item.value!), index: outcome.index };
  }

  /** Waits until the given nodes agree on a leader among them that has committed an entry of its term. */
  async leader(ids = this.ids): Promise<NodeStatus> {
    return await eventually(`a leader of ${this.name}`, async () => {
      const statuses = await this.statuses(ids);
      const leader = statuses.find(({ role }) => role === "leader");
      const agreed = statuses.every(({ leader: named, term }) => named === leader?.id && term === leader?.term);
      return leader !== undefined && agreed && leader.log.commitIndex === leader.log.lastIndex ? leader : null;
    });
  }

  /** The nodes that do not lead. */
  followers(leader: NodeStatus): string[] {
    return this.ids.filter((id) => id !== leader.id);
  }

  /** What a node has on its disk, as far as the protocol goes. */
  async stored(id: string): Promise<StoredState> {
    return await runInDurableObject(this.stub(id), (_, { storage }) => {
      const state = storage.sql.exec<Omit<StoredState, "last_index">>("SELECT * FROM raft_state").one();
      const log = storage.sql.exec<{ last: number | null }>("SELECT max(last_index) AS last FROM raft_log").one();
      return { ...state, last_index: log.last ?? 0 };
    });
  }

  /** When a node's alarm will fire; null when none is set. */
  async alarm(id: string): Promise<number | null> {
    return await runInDurableObject(this.stub(id), async (_, { storage }) => await storage.getAlarm());
  }

  /** Ends a node's object at once: its memory is lost, and what it wrote and was not durable yet. */
  async abort(id: string): Promise<void> {
    try {
      await runInDurableObject(this.stub(id), (_, state) => state.abort("aborted by the test"));
    } catch {
      // It did not live to answer.
    }
  }
}

/** A node's row of `raft_state`, and where its log ends. */
export type StoredState = {
  readonly group_id: string;
  readonly storage_id: string;
  readonly incarnation: number;
  readonly term: number;
  readonly vote: string | null;
  readonly applied_index: number;
  readonly last_index: number;
};

export function putCommand(key: string, value: string, idempotencyKey: string | null = null): Uint8Array {
  const body = conditional(putOf({ key: bytes(key), value: bytes(value) }), [], bytes(key));
  const fingerprint = new Uint8Array(fingerprintBytes);
  const idempotency = idempotencyKey === null ? null : { key: idempotencyKey, fingerprint, session: "" };
  return encodeCommand({ body, idempotency });
}

/** Asks again and again until there is an answer. */
export async function eventually<Found>(what: string, look: () => Promise<Found | null>): Promise<Found> {
  const giveUpMs = Date.now() + 10_000;
  while (Date.now() < giveUpMs) {
    const found = await look();
    if (found !== null) return found;
    await scheduler.wait(10);
  }
  throw new Error(`waited in vain for ${what}`);
}

export function json({ body }: Answer): unknown {
  return JSON.parse(text(body));
}

/** The refusal in an answer that is one. */
export function refusalOf(answer: Answer): Refusal | null {
  return answer.status === refusalStatus ? (json(answer) as Refusal) : null;
}

export function bytes(from: string): Uint8Array {
  return new TextEncoder().encode(from);
}

export function text(from: Uint8Array): string {
  return new TextDecoder().decode(from);
}

function ended(answer: Answer): Ended<Uint8Array> {
  const refused = refusalOf(answer);
  if (refused !== null) return { refused };
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status}: ${text(answer.body)}`);
  return { done: answer.body, index: Number(answer.headers.get(internalHeader.index)) };
}
