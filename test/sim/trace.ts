/** The story of a run, for people: one line for each thing that happened. */

import type { Message } from "../../src/raft/message.ts";

export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

export class Trace {
  private readonly keep: number;
  private readonly kept: TraceLine[] = [];
  private readonly listener: ((line: TraceLine) => void) | null;
  dropped = 0;

  /** @param keep how many of the last lines are kept */
  constructor(keep: number, listener: ((line: TraceLine) => void) | null = null) {
    this.keep = keep;
    this.listener = listener;
  }

  note(atMs: number, who: string, what: string): void {
    const line = { atMs, who, what };
    this.listener?.(line);
    this.kept.push(line);
    if (this.kept.length < 2 * this.keep) return;
    this.dropped += this.kept.length - this.keep;
    this.kept.splice(0, this.kept.length - this.keep);
  }

  get lines(): readonly TraceLine[] {
    return this.kept.slice(-this.keep);
  }
}

export function formatLine({ atMs, who, what }: TraceLine): string {
  return `${atMs.toFixed(3).padStart(12)}  ${who.padEnd(5)} ${what}`;
}

/** Whether a line tells of contact alone: heartbeats, and answers without a word. */
export function isRoutine({ what }: TraceLine): boolean {
  const [, said] = /^(?:to|from|answers|answer of) \S+ (.*)$/.exec(what) ?? [];
  return said?.split("; ").every((message) => /^(?:nothing$|heartbeat)/.test(message)) ?? false;
}

/** Whether a line tells of a fault, a crash, a start, a change of leaders or of members. */
export function isTurn({ who, what }: TraceLine): boolean {
  return (
    who === "fault" ||
    who === "operator" ||
    /^(?:crashes|starts|is replaced|loses|begins anew|installs|leader in|is (?:fenced|removed))/.test(what)
  );
}

/** Messages of one frame, in a few words each. */
export function describeMessages(messages: readonly Message[]): string {
  return messages.length === 0 ? "nothing" : messages.map(describeMessage).join("; ");
}

function describeMessage(message: Message): string {
  const head = `${message.type} t${message.term}`;
  switch (message.type) {
    case "requestVote":
      return `${head}${message.preVote ? " pre" : ""} last ${message.lastLogIndex}/t${message.lastLogTerm}`;
    case "voteReply":
      return `${head}${message.preVote ? " pre" : ""} ${message.granted ? "granted" : "refused"}`;
    case "appendEntries": {
      const { prevLogIndex, prevLogTerm, entries, commitIndex, round } = message;
      const terms = entries.length === 0 ? "" : ` (t${entries.map(({ term }) => term).join(" t")})`;
      const shown = entries.length > 8 ? "" : terms;
      return `${head} after ${prevLogIndex}/t${prevLogTerm} +${entries.length}${shown} commit ${commitIndex} round ${round}`;
    }
    case "appendReply": {
      const { rejection, index, round } = message;
      const result =
        rejection === null ? "accepted up to" : `rejected (hint ${rejection.hintIndex}/t${rejection.hintTerm})`;
      return `${head} ${result} ${index} round ${round}`;
    }
    case "heartbeat":
      return `${head} commit ${message.commitIndex} round ${message.round}${message.quiesce ? ", rest" : ""}`;
    case "heartbeatReply":
      return `${head} round ${message.round}${message.quiesced ? ", rests" : ""}`;
    case "installSnapshot":
      return `${head} ${message.snapshot.index}/t${message.snapshot.term} round ${message.round}`;
    case "readIndexRequest":
      return `${head} ${message.contexts.length} reads`;
    case "readIndexReply":
      return `${head} ${message.contexts.length} reads from ${message.index}`;
    case "timeoutNow":
      return head;
  }
}
