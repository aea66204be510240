/** What a run has shown: each rule, how much was looked at for it, and what was found. */

import { checkLinearizability } from "../../test/linearizability/check.ts";
import { keyValueModel } from "../../test/linearizability/key-value-model.ts";
import { lockModel } from "../../test/linearizability/lock-model.ts";
import { checkRevisionOrder } from "../../test/linearizability/revision-order.ts";
import type { Leaderships } from "../smoke/leaderships.ts";
import type { NodeHandle } from "./node-handle.ts";
import { breakdowns } from "./http.ts";
import type { LockClient, LockOperation } from "./lock-clients.ts";
import { checkStaleReads } from "./promises.ts";
import type { KeyValueOperation, Record } from "./record.ts";
import { checkWatches } from "./watch-check.ts";
import type { Watcher } from "./watchers.ts";

export interface Verdict {
  readonly passed: boolean;
  /** A sentence with the counts. */
  readonly text: string;
  /** What is wrong. */
  readonly findings: readonly string[];
}

export function judge(record: Record, leaderships: Leaderships): Verdict[] {
  return [
    judgeService(record),
    judgeOperations(record.operations),
    judgeRevisions(record),
    judgeStale(record),
    judgeLeaders(leaderships),
  ];
}

/** A run in which nothing was answered shows nothing, and no fault makes the service itself break down. */
function judgeService({ acknowledgedMs }: Record): Verdict {
  const served = acknowledgedMs.length > 0;
  return {
    passed: served && breakdowns.length === 0,
    text: `clients were served, and never told of an internal error: ${acknowledgedMs.length} writes acknowledged`,
    findings: [...(served ? [] : ["no write was acknowledged"]), ...breakdowns.slice(0, 5)],
  };
}

export function judgeOperations(operations: readonly KeyValueOperation[]): Verdict {
  const startedAtMs = performance.now();
  const report = checkLinearizability(keyValueModel, operations);
  const took = Math.max(1, performance.now() - startedAtMs);
  const speed = Math.round(report.operations / (took / 1000));
  return {
    passed: report.verdict === "linearizable",
    text: `linearizable: ${report.operations} operations, ${report.unknown} of them of unknown outcome, on ${report.parts} independent sets of keys, checked at ${speed}/s`,
    findings: report.findings,
  };
}

export function judgeRevisions({ revisions }: Pick<Record, "revisions">): Verdict {
  const findings = checkRevisionOrder(revisions);
  const text = `the store's revisions rise with time over all keys: ${revisions.length} answers`;
  return { passed: findings.length === 0, text, findings };
}

export function judgeStale({ stale, operations }: Pick<Record, "stale" | "operations">): Verdict {
  const findings = checkStaleReads(stale, operations);
  const text = `reads that need not be the newest are as new as promised: ${stale.length}`;
  return { passed: findings.length === 0, text, findings: findings.slice(0, 5) };
}

export function judgeLeaders(leaderships: Leaderships): Verdict {
  const disputed = leaderships.disputed();
  return {
    passed: disputed.length === 0 && leaderships.terms > 0,
    text: `one leader a term: ${leaderships.terms} terms`,
    findings: disputed.map((term) => `term ${term} had more than one leader`),
  };
}

/** @param behind says who was not told to the end */
export function judgeWatches(
  watchers: readonly Watcher[],
  { operations }: Record,
  behind: readonly string[] = [],
): Verdict {
  const segments = watchers.flatMap((watcher) => watcher.segments);
  const findings = [...checkWatches(segments, operations), ...behind];
  const events = segments.reduce((sum, segment) => sum + segment.events.length, 0);
  const streams = watchers.reduce((sum, { counts }) => sum + counts.streams, 0);
  const anew = watchers.reduce((sum, { counts }) => sum + counts.compacted, 0);
  const text = `watchers were told every change once, in order: ${events} events in ${streams} streams, ${anew} times begun anew`;
  return { passed: findings.length === 0, text, findings };
}

/** @param held names the locks that were not free when nobody had asked for them for long */
export function judgeLocks(clients: readonly LockClient[], held: readonly string[]): Verdict {
  const report = checkLinearizability(
    lockModel,
    clients.flatMap(({ operations }) => operations),
  );
  const granted = clients.flatMap(({ operations }) => operations.filter(isGranted)).length;
  return {
    passed: report.verdict === "linearizable" && held.length === 0,
    text: `locks had one holder at a time, tokens rose, and all were free in the end: ${granted} times held`,
    findings: [...report.findings, ...held.map((lock) => `the lock ${lock} does not end`)],
  };
}

const isGranted = ({ completion }: LockOperation): boolean => completion?.answer.kind === "granted";

/** Nobody but the run ends processes. */
export function judgeProcesses(nodes: readonly NodeHandle[]): Verdict {
  const findings = nodes.flatMap(({ endedByItself }) => (endedByItself === null ? [] : [endedByItself]));
  return { passed: findings.length === 0, text: `no process ended by itself: ${nodes.length}`, findings };
}
