/** Callers that wait for a proposal to be applied or for a read to be confirmed, until their time is over. */

import type { RefusalCode } from "../internal.ts";
import type { ProposalRefusal } from "../raft/leader.ts";

/** What a caller gets: the state machine's answer, or why there is none. */
export type Outcome =
  | { readonly done: true; readonly result: Uint8Array; readonly index: number }
  | { readonly done: false; readonly code: RefusalCode; readonly message: string; readonly ambiguous: boolean };

/** That there is no answer, and why. */
export type Refused = Extract<Outcome, { readonly done: false }>;

export type Settle = (outcome: Outcome) => void;

/** What a read's answer must hold beside its consistency. */
export interface ReadBounds {
  /** A stale read's state must have been the newest one at some time within so many milliseconds before it. */
  readonly maxStalenessMs?: number;
  /** The state must include the entry at this index: the caller has seen it (read-your-writes, thesis section 6.4). */
  readonly minIndex?: number;
}

interface Proposed {
  readonly term: number;
  readonly proposedAtMs: number;
  readonly expiresAtMs: number;
  readonly settle: Settle;
}

interface Reading {
  /** Null for whoever waits for the state alone. */
  readonly query: Uint8Array | null;
  readonly minIndex: number;
  readonly askedAtMs: number;
  readonly expiresAtMs: number;
  readonly settle: Settle;
}

export class Waiters {
  /** By index. Several wait at one index when this node has led more than one term. */
  private readonly proposals = new Map<number, readonly Proposed[]>();
  /** Wait for the proof that their leader led. */
  private readonly reads = new Map<number, Reading>();
  /** Wait until this node has applied what they must see. */
  private readonly behind = new Map<number, Reading>();
  private nextRead: number;
  private earliestMs = Number.POSITIVE_INFINITY;

  /** @param incarnation how often this node has started: no read of another incarnation shall have the name of one here */
  constructor(incarnation: number) {
    this.nextRead = incarnation * readsPerIncarnation;
  }

  /** When the first caller's time may be over; infinite when nobody waits. */
  get deadlineMs(): number {
    // The time of a caller who has his answer would wake a node for nothing.
    const waiting = this.proposals.size + this.reads.size + this.behind.size;
    return waiting === 0 ? Number.POSITIVE_INFINITY : this.earliestMs;
  }

  addProposal(index: number, proposal: Proposed): void {
    // An entry that was proposed here earlier at this index is gone from this log. Another may still hold it, and a leader
    // there may commit it: what became of it is known when the index is applied.
    this.proposals.set(index, [...(this.proposals.get(index) ?? []), proposal]);
    this.earliestMs = Math.min(this.earliestMs, proposal.expiresAtMs);
  }

  /** Whether somebody waits for the entry at `index`, of this very term. */
  awaits(index: number, term: number): boolean {
    return this.proposals.get(index)?.some((proposal) => proposal.term === term) ?? false;
  }

  /** A read that waits to be confirmed; answers the number under which it is known. */
  addRead(read: Reading): number {
    return this.add(this.reads, read);
  }

  /** A read that waits for an index alone; answers a number that no other read has. */
  addBehind(read: Reading): number {
    return this.add(this.behind, read);
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

  /**
   * The read may be answered now, by `answer`: this node has all that was committed anywhere when it was asked. An index
   * beyond that is none that its caller can have seen. Answers when it was asked; null if nobody waits for it.
   */
  confirmed(context: number, appliedIndex: number, answer: (query: Uint8Array | null) => Uint8Array): number | null {
    const read = this.reads.get(context);
    if (read === undefined) return null;
    this.reads.delete(context);
    if (read.minIndex > appliedIndex) read.settle(futureIndex);
    else read.settle({ done: true, result: answer(read.query), index: appliedIndex });
    return read.askedAtMs;
  }

  /** This node has applied more: answers whoever waited for that alone. */
  reached(appliedIndex: number, answer: (query: Uint8Array | null) => Uint8Array): void {
    for (const [context, read] of this.behind) {
      if (read.minIndex > appliedIndex) continue;
      this.behind.delete(context);
      read.settle({ done: true, result: answer(read.query), index: appliedIndex });
    }
  }

  /** This node does not lead any more: reads that wait for a proof of leadership will not get it. */
  refuseReads(): void {
    for (const read of this.reads.values()) read.settle(notLeader);
    this.reads.clear();
  }

  /** Tells all whose time is over; answers the names of their reads. Their proposals stay in the log: what becomes of them is not known. */
  expire(nowMs: number): readonly number[] {
    if (nowMs < this.earliestMs) return [];
    const over: number[] = [];
    this.earliestMs = Number.POSITIVE_INFINITY;
    for (const [index, waiting] of this.proposals) {
      const left = waiting.filter((proposal) => !this.isOver(proposal, commandTimeout, nowMs));
      if (left.length === 0) this.proposals.delete(index);
      else if (left.length < waiting.length) this.proposals.set(index, left);
    }
    for (const [context, read] of this.reads) {
      if (this.isOver(read, readTimeout, nowMs) && this.reads.delete(context)) over.push(context);
    }
    for (const [context, read] of this.behind) {
      if (this.isOver(read, behindTimeout, nowMs) && this.behind.delete(context)) over.push(context);
    }
    return over;
  }

  private add(waiting: Map<number, Reading>, read: Reading): number {
    const context = this.nextRead;
    this.nextRead += 1;
    waiting.set(context, read);
    this.earliestMs = Math.min(this.earliestMs, read.expiresAtMs);
    return context;
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

export const notLeader: Refused = {
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

const futureIndex: Outcome = {
  done: false,
  code: "future_index",
  message: "the group has not come to the index that was asked for",
  ambiguous: false,
};

const behindTimeout: Outcome = {
  done: false,
  code: "timeout",
  message: "this node has not applied the index that was asked for in time",
  ambiguous: false,
};

/** Why a change of the members was not proposed. */
export function changeRefused(reason: ProposalRefusal): Outcome {
  const refuse = (code: RefusalCode, message: string): Outcome => ({ done: false, code, message, ambiguous: false });
  switch (reason) {
    case "not_leader":
      return notLeader;
    case "overloaded":
      return overloaded;
    case "transferring":
      return refuse("transferring", "Leadership is being handed over.");
    case "change_pending":
      return refuse("change_pending", "An earlier change of the members is not in force yet.");
    case "joint_configuration":
      return refuse("joint_change", "An earlier change of several members is still being completed.");
    case "no_voters":
      return refuse("no_voters", "No voter would be left.");
    case "not_joint":
      return refuse("invalid_change", "Nothing is to be changed.");
  }
}
