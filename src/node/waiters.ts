/** Callers that wait for a proposal to be applied or for a read to be confirmed, until their time is over. */

import type { Consistency, RefusalCode } from "../internal.ts";

/** What a caller gets: the state machine's answer, or why there is none. */
export type Outcome =
  | { readonly done: true; readonly result: Uint8Array; readonly index: number }
  | { readonly done: false; readonly code: RefusalCode; readonly message: string; readonly ambiguous: boolean };

export type Settle = (outcome: Outcome) => void;

export interface Read {
  readonly query: Uint8Array;
  readonly consistency: Consistency;
}

interface Proposed {
  readonly term: number;
  readonly proposedAtMs: number;
  readonly expiresAtMs: number;
  readonly settle: Settle;
}

interface Reading {
  readonly query: Uint8Array;
  readonly expiresAtMs: number;
  readonly settle: Settle;
}

export class Waiters {
  /** By index. Several wait at one index when this node has led more than one term. */
  private readonly proposals = new Map<number, readonly Proposed[]>();
  private readonly reads = new Map<number, Reading>();
  private nextRead: number;
  private earliestMs = Number.POSITIVE_INFINITY;

  /** @param incarnation how often this node has started: no read of another incarnation shall have the name of one here */
  constructor(incarnation: number) {
    this.nextRead = incarnation * readsPerIncarnation;
  }

  /** When the first caller's time may be over; infinite when nobody waits. */
  get deadlineMs(): number {
    return this.earliestMs;
  }

  addProposal(index: number, proposal: Proposed): void {
    // An entry that was proposed here earlier at this index is gone from this log. Another may still hold it, and a leader
    // there may commit it: what became of it is known when the index is applied.
    this.proposals.set(index, [...(this.proposals.get(index) ?? []), proposal]);
    this.earliestMs = Math.min(this.earliestMs, proposal.expiresAtMs);
  }

  /** Answers the number under which the read is known. */
  addRead(read: Reading): number {
    const context = this.nextRead;
    this.nextRead += 1;
    this.reads.set(context, read);
    this.earliestMs = Math.min(this.earliestMs, read.expiresAtMs);
    return context;
  }

  /**
   * The entry at `index` is applied. Whatever else was proposed here for this index has lost its place in the log for
   * good. Answers when the proposal was made, null if it was not made here.
   */
  applied(index: number, term: number, result: Uint8Array): number | null {
    const waiting = this.proposals.get(index);
    if (waiting === undefined) return null;
    this.proposals.delete(index);
    const applied = waiting.find((proposal) => proposal.term === term);
    for (const { settle } of waiting.filter((proposal) => proposal !== applied)) settle(superseded);
    applied?.settle({ done: true, result, index });
    return applied?.proposedAtMs ?? null;
  }

  /** The read may be answered now, by `answer`. */
  confirmed(context: number, index: number, answer: (query: Uint8Array) => Uint8Array): void {
    const read = this.reads.get(context);
    if (read === undefined) return;
    this.reads.delete(context);
    read.settle({ done: true, result: answer(read.query), index });
  }

  /** This node does not lead any more: reads that wait for a proof of leadership will not get it. */
  refuseReads(): void {
    for (const read of this.reads.values()) read.settle(notLeader);
    this.reads.clear();
  }

  /** Tells all whose time is over. Their proposals stay in the log: what becomes of them is not known. */
  expire(nowMs: number): void {
    if (nowMs < this.earliestMs) return;
    this.earliestMs = Number.POSITIVE_INFINITY;
    for (const [index, waiting] of this.proposals) {
      const left = waiting.filter((proposal) => !this.isOver(proposal, commandTimeout, nowMs));
      if (left.length === 0) this.proposals.delete(index);
      else if (left.length < waiting.length) this.proposals.set(index, left);
    }
    for (const [context, read] of this.reads) {
      if (this.isOver(read, readTimeout, nowMs)) this.reads.delete(context);
    }
  }

  /** Tells a caller whose time is over, and remembers the time of one that goes on waiting. */
  private isOver({ expiresAtMs, settle }: Proposed | Reading, outcome: Outcome, nowMs: number): boolean {
    const over = expiresAtMs <= nowMs;
    if (over) settle(outcome);
    else this.earliestMs = Math.min(this.earliestMs, expiresAtMs);
    return over;
  }
}

/** 2^21 incarnations can be told apart below 2^53. */
const readsPerIncarnation = 2 ** 32;

export const notLeader: Outcome = {
  done: false,
  code: "not_leader",
  message: "this node does not lead",
  ambiguous: false,
};

export const overloaded: Outcome = {
  done: false,
  code: "overloaded",
  message: "too many bytes wait for their commit",
  ambiguous: false,
};

const superseded: Outcome = {
  done: false,
  code: "superseded",
  message: "another leader's entry took the command's place; it has not taken effect",
  ambiguous: false,
};

const commandTimeout: Outcome = {
  done: false,
  code: "timeout",
  message: "not committed in time; the command may still take effect",
  ambiguous: true,
};

const readTimeout: Outcome = {
  done: false,
  code: "timeout",
  message: "leadership was not confirmed by a majority in time",
  ambiguous: false,
};
