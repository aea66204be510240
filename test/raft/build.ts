/** Short forms for the values that tests are made of: options, entries, logs and messages. */

import type { Configuration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type {
  AppendEntries,
  AppendReply,
  Heartbeat,
  HeartbeatReply,
  InstallSnapshot,
  Message,
  RequestVote,
  VoteReply,
} from "../../src/raft/message.ts";
import { defaultOptions, type RaftOptions } from "../../src/raft/options.ts";
import { snapshotStates } from "./disk.ts";

export const testOptions: RaftOptions = { ...defaultOptions, heartbeatMs: 10, electionMinMs: 100, electionMaxMs: 200 };

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What an entry says: its command, or nothing for a no-op. */
export function textOf({ data }: Entry): string {
  return new TextDecoder().decode(data);
}

export function entry(index: number, term: number, text = `${index}@${term}`): Entry {
  return { index, term, kind: "command", timeMs: index, data: bytes(text) };
}

/** A log from index 1 on whose entries have the given terms. */
export function logOf(terms: readonly number[]): Entry[] {
  return terms.map((term, position) => entry(position + 1, term));
}

export function termsOf(log: readonly Entry[]): number[] {
  return log.map(({ term }) => term);
}

/** `count` times the same term. */
export function times(count: number, term: number): number[] {
  return Array.from({ length: count }, () => term);
}

type Fields<M extends Message> = Partial<Omit<M, "type">> & Pick<M, "term">;
const envelope = { from: "n2", to: "n1" } as const;

// All are from n2 to n1 unless they say otherwise.

export function requestVote(fields: Fields<RequestVote>): RequestVote {
  const { preVote = false, transfer = false } = fields;
  return {
    type: "requestVote",
    question: 0,
    ...envelope,
    lastLogIndex: 0,
    lastLogTerm: 0,
    commitIndex: 0,
    commitTerm: 0,
    ...fields,
    preVote,
    transfer,
  };
}

export function voteReply(fields: Fields<VoteReply>): VoteReply {
  return {
    type: "voteReply",
    question: 0,
    commitIndex: 0,
    commitTerm: 0,
    ...envelope,
    preVote: false,
    granted: true,
    ...fields,
  };
}

export function append(fields: Fields<AppendEntries>): AppendEntries {
  return {
    type: "appendEntries",
    ...envelope,
    prevLogIndex: 0,
    prevLogTerm: 0,
    entries: [],
    commitIndex: 0,
    round: 0,
    ...fields,
  };
}

export function appendReply(fields: Fields<AppendReply>): AppendReply {
  return { type: "appendReply", ...envelope, index: 0, rejection: null, round: 0, ...fields };
}

export function heartbeat(fields: Fields<Heartbeat>): Heartbeat {
  return {
    type: "heartbeat",
    timeMs: 0,
    electionMinMs: 150,
    leaseMs: 0,
    quiesce: false,
    ...envelope,
    commitIndex: 0,
    round: 0,
    ...fields,
  };
}

export function heartbeatReply(fields: Fields<HeartbeatReply>): HeartbeatReply {
  return { type: "heartbeatReply", quiesced: false, ...envelope, round: 0, ...fields };
}

/** A snapshot of a log of commands, all of the last one's term, with the state machine's part beside it. */
export function installSnapshot(
  index: number,
  lastTerm: number,
  configuration: Configuration,
  fields: Pick<InstallSnapshot, "term"> & Partial<InstallSnapshot>,
): InstallSnapshot {
  const snapshot = { index, term: lastTerm, timeMs: index, configuration };
  snapshotStates.set(snapshot, logOf(times(index, lastTerm)));
  return { type: "installSnapshot", ...envelope, snapshot, round: 0, ...fields };
}
