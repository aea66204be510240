/** The traces that Quint writes, in the Informal Trace Format, as values of this language. */

import { readFileSync } from "node:fs";

/** A variant of a sum type. */
export interface Variant<Tag extends string = string, Value = unknown> {
  readonly tag: Tag;
  readonly value: Value;
}

export type Change = Variant<"AddVoter" | "AddLearner" | "Remove", string>;
export type Content = Variant<"Noop"> | Variant<"Command", number> | Variant<"Configure", Change>;

export interface ModelEntry {
  readonly term: number;
  readonly content: Content;
}

interface Envelope {
  readonly from: string;
  readonly to: string;
  readonly term: number;
}

export interface ModelAppend extends Envelope {
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: readonly ModelEntry[];
  readonly commit: number;
  readonly round: number;
}

export type ModelMessage =
  | Variant<"Append", ModelAppend>
  | Variant<
      "RequestVote" | "VoteReply" | "AppendReply" | "Heartbeat" | "HeartbeatReply" | "ReadRequest" | "ReadReply",
      Envelope
    >;

export interface ModelNode {
  readonly term: number;
  readonly vote: string;
  readonly log: readonly ModelEntry[];
  readonly applied: number;
  readonly role: Variant<"Follower" | "PreCandidate" | "Candidate" | "Leader">;
  readonly leader: string;
  readonly commit: number;
  readonly sticky: boolean;
  readonly resting: boolean;
  readonly matched: ReadonlyMap<string, number>;
  readonly acked: ReadonlyMap<string, number>;
  readonly active: readonly string[];
  readonly round: number;
  /** No change is taken before this index is applied. */
  readonly pendingChange: number;
  /** Nothing may follow the change that takes this leader's vote. */
  readonly departing: boolean;
}

export type ModelEvent =
  | Variant<"Start">
  | Variant<"Deliver" | "SendAppend", ModelMessage>
  | Variant<"Campaign" | "Beat" | "CheckQuorum" | "ForgetContact" | "Restart", string>
  | Variant<"Propose", { readonly node: string; readonly command: number }>
  | Variant<"ProposeChange", { readonly node: string; readonly change: Change }>
  | Variant<"AskRead", { readonly node: string; readonly context: number }>;

export interface ModelState {
  readonly nodes: ReadonlyMap<string, ModelNode>;
  readonly network: readonly ModelMessage[];
  readonly event: ModelEvent;
  readonly served: readonly { readonly context: number; readonly index: number }[];
}

export function readTrace(path: string): readonly ModelState[] {
  const { states } = JSON.parse(readFileSync(path, "utf8")) as { readonly states: readonly unknown[] };
  return states.map((state) => plain(state) as ModelState);
}

/** Sets become arrays, maps become maps, and numbers numbers. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("#bigint" in value) return Number(value["#bigint"]);
  if ("#set" in value) return plain(value["#set"]);
  if ("#tup" in value) return plain(value["#tup"]);
  if ("#map" in value) return new Map(plain(value["#map"]) as [unknown, unknown][]);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
