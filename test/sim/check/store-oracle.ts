/** The key-value store as it must be at every index of the committed log: a plain reference that gets the same commands. */

import { decodeAnswer, encodeAnswer } from "../../../src/kv/answer-codec.ts";
import { decodeCommand } from "../../../src/kv/command-codec.ts";
import type { CommandResult, Query, QueryAnswer, WatchEvent, WatchRequest } from "../../../src/kv/model.ts";
import type { Retention } from "../../../src/kv/store/auto-compaction.ts";
import { decodeResult, encodeResult } from "../../../src/kv/result-codec.ts";
import { equalBytes } from "../../../src/bytes/compare.ts";
import type { Entry } from "../../../src/raft/entry.ts";
import { range, text } from "../../kv/store/requests.ts";
import { ReferenceStore } from "../../kv/store/reference.ts";
import { Commands } from "./commands.ts";
import { demand } from "./violation.ts";

interface Expected {
  readonly result: CommandResult;
  /** Where several reasons to refuse hold, a store may name any of them. */
  readonly reasons: ReadonlySet<string>;
}

/** So many rows of history are forgotten at once at least: the rest needs timers that the reference does without. */
const rowsAtOnce = 500;
/** A compaction waits until it forgets this part of what is kept. */
const leastPart = 10;

export class StoreOracle {
  readonly commands = new Commands();
  private readonly reference = new ReferenceStore({ idempotencyKeys: 100_000, sessions: 10_000 });
  /** By index; entries that are no commands change nothing. */
  private readonly states: (ReferenceStore | undefined)[] = [];
  private readonly expected = new Map<number, Expected>();
  /** Results that nodes came to before the commit was known here. */
  private readonly early = new Map<number, Uint8Array>();
  private readonly retention: Retention;
  private readonly hashes = new Map<string, number>();
  private readonly contents = new Map<number, string>();
  /** When each revision was made, in cluster time. */
  private readonly madeAtMs = new Map<number, number>();
  private term = 0;
  /** The earliest end of a lease or a session in any state that the leader can have known when it proposed a timer. */
  private earliestTimerMs = Number.POSITIVE_INFINITY;

  /** @param retention how leaders compact the history by themselves */
  constructor(retention: Retention = { kind: "forever" }) {
    this.retention = retention;
    this.states[0] = this.reference.frozen();
  }

  get revision(): number {
    return this.reference.revision;
  }

  get compactRevision(): number {
    return this.reference.compactRevision;
  }

  /** Leases or sessions that are to end by themselves are left. */
  get awaitsTimers(): boolean {
    return this.reference.nextTimerMs < Number.POSITIVE_INFINITY;
  }

  committed({ index, term, kind, timeMs, data }: Entry): void {
    if (term !== this.term) this.restart(term);
    if (kind !== "command") return;
    const command = decodeCommand(data);
    demand(command !== undefined, "exactly once", () => `entry ${index} is no command`);
    const { body } = command;
    const isOfStore = body.kind === "timer" || (body.kind === "compact" && this.retention.kind !== "forever");
    const wasAsked = this.commands.committed(data, index, isOfStore && command.idempotency === null);
    demand(wasAsked, "exactly once", () => `nobody has asked for the ${body.kind} at ${index}, or not so often`);
    if (body.kind === "timer") this.checkTimer(index, timeMs);
    if (body.kind === "compact" && !this.commands.wasBegun(data)) this.checkCompaction(body.revision, timeMs);
    const result = this.reference.apply(command, index, timeMs);
    if (!this.madeAtMs.has(this.reference.revision)) this.madeAtMs.set(this.reference.revision, timeMs);
    this.expected.set(index, { result, reasons: this.reference.possibleReasons });
    this.states[index] = this.reference.frozen();
    this.earliestTimerMs = Math.min(this.earliestTimerMs, this.reference.nextTimerMs);
    const early = this.early.get(index);
    if (early !== undefined) this.compare(index, early);
    this.early.delete(index);
  }

  /** A node has applied the command at an index and come to this result. */
  applied(index: number, result: Uint8Array): void {
    if (this.expected.has(index)) this.compare(index, result);
    else this.early.set(index, result);
  }

  /** What a read must be told that sees everything up to an index. */
  checkRead(query: Query, index: number, answer: Uint8Array): void {
    const state = this.states.findLast((known, at) => known !== undefined && at <= index);
    if (state === undefined) throw new Error("there is always a first state");
    if (query.kind === "status") {
      const told = decodeAnswer(answer);
      const { keys, leases } = state.status;
      const found = told?.status === "status" ? [told.revision, told.compactRevision, told.keys, told.leases] : [];
      const known = [state.revision, state.compactRevision, keys, leases];
      demand(found.join() === known.join(), "answers", () => `status ${found.join()} at ${index} is ${known.join()}`);
      return;
    }
    if (query.kind === "hash") return this.checkHash(query.revision, state, answer);
    const known = encodeAnswer(passed(state.answer(query), decodeAnswer(answer)));
    demand(
      equalBytes(known, answer),
      "answers",
      () =>
        `a ${query.kind} at ${index} is answered ${show(decodeAnswer(answer))} instead of ${show(decodeAnswer(known))}`,
    );
  }

  /** Equal contents have equal checksums, on all nodes and at all times, and others have others. */
  private checkHash(revision: number, state: ReferenceStore, answer: Uint8Array): void {
    const told = decodeAnswer(answer);
    const content = state.answer({ ...range("a", "c"), revision });
    if (told?.status !== "hash" || content.status !== "range") {
      const isRight = equalBytes(encodeAnswer(content), answer);
      demand(isRight, "answers", () => `a hash at ${revision} is answered ${show(told)}, a range ${show(content)}`);
      return;
    }
    const everything = show(content.range.items);
    const [hash, known] = [this.hashes.get(everything) ?? told.hash, this.contents.get(told.hash) ?? everything];
    demand(hash === told.hash, "answers", () => `${everything} has the hash ${told.hash}, and had ${hash}`);
    demand(known === everything, "answers", () => `${everything} has the hash of ${known}`);
    this.hashes.set(everything, told.hash);
    this.contents.set(told.hash, everything);
    const { compactRevision } = state;
    demand(told.compactRevision === compactRevision, "answers", () => `a hash tells of ${told.compactRevision}`);
  }

  /** What a watch is to be told from a revision on. */
  events(request: WatchRequest, from: number): WatchEvent[] {
    return this.reference.events(request, from);
  }

  /** History that is to be forgotten by itself is not forgotten yet. */
  get awaitsCompaction(): boolean {
    const { retention, revision, compactRevision } = this;
    switch (retention.kind) {
      case "forever":
        return false;
      case "age":
        return revision > Math.max(compactRevision, 1);
      case "revisions":
        return revision - compactRevision > retention.revisions + Math.ceil(retention.revisions / leastPart);
    }
  }

  /** A leader compacts by itself, and nothing that is to be kept. */
  private checkCompaction(compacted: number, timeMs: number): void {
    const { retention, revision } = this;
    if (retention.kind === "revisions") {
      const kept = revision - compacted;
      demand(kept >= retention.revisions, "timers", () => `a compaction keeps ${kept} revisions`);
    } else if (retention.kind === "age") {
      const ageMs = timeMs - (this.madeAtMs.get(compacted) ?? timeMs);
      demand(ageMs >= retention.ageMs, "timers", () => `what is compacted at ${compacted} is ${ageMs} ms old`);
    }
  }

  private compare(index: number, result: Uint8Array): void {
    const expected = this.expected.get(index);
    if (expected === undefined) throw new Error("nothing is expected there");
    const told = decodeResult(result);
    const isRefused = told?.status === "refused" && expected.result.status === "refused";
    const isReason = isRefused && expected.reasons.has(told.refusal.reason);
    demand(
      isReason || equalBytes(encodeResult(expected.result), result),
      "answers",
      () => `the command at ${index} is answered ${show(told)} instead of ${show(expected.result)}`,
    );
  }

  /** Before its first entry is committed a leader knows of no timer; after one, none before that has had its effect. */
  private restart(term: number): void {
    this.term = term;
    this.earliestTimerMs = this.reference.nextTimerMs;
  }

  private checkTimer(index: number, timeMs: number): void {
    const isDue = this.earliestTimerMs <= timeMs || this.reference.rows > rowsAtOnce;
    demand(isDue, "timers", () => `nothing was due when the timer at ${index} was proposed`);
    // What follows is proposed by one who knows the state that this one leaves.
    this.earliestTimerMs = Number.POSITIVE_INFINITY;
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (inner instanceof Uint8Array ? text(inner) : inner));
}

/** Time has passed since the command that the reference got last: less may be left of a lease by now, and never more. */
function passed(known: QueryAnswer, told: QueryAnswer | undefined): QueryAnswer {
  if (known.status !== "lease" || told?.status !== "lease" || known.lease === null || told.lease === null) return known;
  const remainingMs = Math.min(known.lease.remainingMs, told.lease.remainingMs);
  return { ...known, lease: { ...known.lease, remainingMs } };
}
