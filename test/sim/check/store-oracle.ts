/** The key-value store as it must be at every index of the committed log: a plain reference that gets the same commands. */

import { decodeAnswer, encodeAnswer } from "../../../src/kv/answer-codec.ts";
import { decodeCommand } from "../../../src/kv/command-codec.ts";
import type { CommandResult, Query, QueryAnswer, WatchEvent, WatchRequest } from "../../../src/kv/model.ts";
import { decodeResult, encodeResult } from "../../../src/kv/result-codec.ts";
import { equalBytes } from "../../../src/bytes/compare.ts";
import type { Entry } from "../../../src/raft/entry.ts";
import { text } from "../../kv/store/requests.ts";
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

export class StoreOracle {
  readonly commands = new Commands();
  private readonly reference = new ReferenceStore({ idempotencyKeys: 100_000, sessions: 10_000 });
  /** By index; entries that are no commands change nothing. */
  private readonly states: (ReferenceStore | undefined)[] = [];
  private readonly expected = new Map<number, Expected>();
  /** Results that nodes came to before the commit was known here. */
  private readonly early = new Map<number, Uint8Array>();
  private readonly mayCompact: boolean;
  private term = 0;
  /** The earliest end of a lease or a session in any state that the leader can have known when it proposed a timer. */
  private earliestTimerMs = Number.POSITIVE_INFINITY;

  /** @param mayCompact leaders compact the history by themselves */
  constructor(mayCompact: boolean) {
    this.mayCompact = mayCompact;
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
    const isOfStore = body.kind === "timer" || (body.kind === "compact" && this.mayCompact);
    const wasAsked = this.commands.committed(data, index, isOfStore && command.idempotency === null);
    demand(wasAsked, "exactly once", () => `nobody has asked for the ${body.kind} at ${index}, or not so often`);
    if (body.kind === "timer") this.checkTimer(index, timeMs);
    const result = this.reference.apply(command, index, timeMs);
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
    const known = encodeAnswer(passed(state.answer(query), decodeAnswer(answer)));
    demand(
      equalBytes(known, answer),
      "answers",
      () =>
        `a ${query.kind} at ${index} is answered ${show(decodeAnswer(answer))} instead of ${show(decodeAnswer(known))}`,
    );
  }

  /** What a watch is to be told from a revision on. */
  events(request: WatchRequest, from: number): WatchEvent[] {
    return this.reference.events(request, from);
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
