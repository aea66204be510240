/** Plays the recorded scenarios of etcd/raft against our core and compares the states. */

import type { ConfigurationChange } from "../../src/raft/configuration-change.ts";
import { perform, wordsOf } from "../stage/commands.ts";
import { Stage } from "../stage/stage.ts";

/** One recorded command, and the state of all nodes after it. */
export interface RecordedStep {
  readonly file: string;
  readonly line: number;
  readonly cmd: string;
  readonly input?: string;
  readonly nodes: readonly RecordedNode[];
}

export interface RecordedNode {
  readonly id: number;
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  readonly applied: number;
  readonly role: string;
  readonly lead: number;
  readonly conf: {
    readonly voters: readonly number[];
    readonly outgoing: readonly number[];
    readonly learners: readonly number[];
    readonly learnersNext: readonly number[];
    readonly autoLeave: boolean;
  };
  readonly first: number;
  readonly last: number;
  readonly log: readonly { readonly t: number; readonly i: number; readonly k: string; readonly d?: string }[];
}

/** Commands after which the states are comparable: between them etcd/raft keeps its own vote to itself. */
const checkpoints = ["stabilize", "process-ready", "raft-state", "raft-log", "status"];

export interface Difference {
  readonly line: number;
  readonly cmd: string;
  readonly node: number;
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

export interface Replayed {
  readonly checkpoints: number;
  readonly matched: number;
  readonly differences: readonly Difference[];
}

/** Plays one file's commands in order. */
export function replay(steps: readonly RecordedStep[]): Replayed {
  const stage = new Stage();
  let count = 0;
  let matched = 0;
  const differences: Difference[] = [];
  for (const step of steps) {
    perform(stage, step.cmd, step.input);
    if (!checkpoints.includes(wordsOf(step.cmd).name)) continue;
    count += 1;
    const found = step.nodes.flatMap((node) => compare(stage, node).map((at) => ({ ...at, ...step })));
    if (found.length === 0) matched += 1;
    differences.push(...found);
  }
  return { checkpoints: count, matched, differences };
}

function compare(stage: Stage, node: RecordedNode): Omit<Difference, "line" | "cmd">[] {
  const raft = stage.raft(String(node.id));
  const { configuration, log } = raft;
  const numbers = (ids: readonly string[]): number[] => ids.map(Number).sort((left, right) => left - right);
  // `autoLeave` is not compared: the recording has it as false even where etcd then leaves by itself.
  const actual = {
    term: raft.term,
    vote: Number(raft.vote ?? 0),
    commit: log.commitIndex,
    applied: log.appliedIndex,
    role: raft.role.toLowerCase(),
    lead: Number(raft.leader ?? 0),
    first: log.firstIndex,
    last: log.lastIndex,
    log: stage.entries(String(node.id)).map((entry) => [entry.term, entry.index, contentOf(entry)]),
    voters: numbers(configuration.voters),
    outgoing: numbers(configuration.outgoing),
    learners: numbers(configuration.learners),
    learnersNext: numbers(configuration.learnersNext),
  };
  const expected: typeof actual = {
    term: node.term,
    vote: node.vote,
    commit: node.commit,
    applied: node.applied,
    role: node.role.toLowerCase(),
    lead: node.lead,
    first: node.first,
    last: node.last,
    log: node.log.map(({ t, i, k, d }) => [t, i, `${k === "n" ? "" : "change "}${d ?? ""}`]),
    voters: [...node.conf.voters],
    outgoing: [...node.conf.outgoing],
    learners: [...node.conf.learners],
    learnersNext: [...node.conf.learnersNext],
  };
  return Object.entries(expected).flatMap(([field, value]) => {
    const ours = JSON.stringify(actual[field as keyof typeof actual]);
    const theirs = JSON.stringify(value);
    return ours === theirs ? [] : [{ node: node.id, field, expected: theirs, actual: ours }];
  });
}

function contentOf({ data, change: changed }: { data: Uint8Array; change?: ConfigurationChange }): string {
  if (changed === undefined) return new TextDecoder().decode(data);
  const letters = { addVoter: "v", addLearner: "l", addPromotable: "p", remove: "r" } as const;
  return `change ${changed.changes.map(({ type, id }) => letters[type] + id).join(" ")}`;
}
