/** Whether a leader proposes what is due in the state that it knows, from turn to turn of one instance. */

import { entryBytes, type NodeId } from "../../../src/raft/entry.ts";
import type { Raft } from "../../../src/raft/raft.ts";
import type { Checks } from "./checks.ts";

/** So many heartbeats after a turn that did not propose what is due, a later one must have. */
const latestHeartbeats = 2;
/** More than the entry of a timer takes. */
const roomBytes = 200;

export class Punctuality {
  private readonly checks: Checks;
  private readonly node: NodeId;
  /** What had been applied at the end of the last turn. */
  private knownUpTo = 0;
  /** Since when something has been due that this leader has not proposed. */
  private overdueSinceMs = Number.POSITIVE_INFINITY;

  constructor(checks: Checks, node: NodeId) {
    this.checks = checks;
    this.node = node;
  }

  /** @param dueMs when the state machine wants something to happen, in cluster time; null for never */
  turned(raft: Raft, dueMs: number | null, nowMs: number): void {
    const lateMs = raft.role === "leader" ? this.latenessMs(raft, dueMs, nowMs) : null;
    this.knownUpTo = raft.log.appliedIndex;
    if (lateMs === null) this.overdueSinceMs = Number.POSITIVE_INFINITY;
    else if (this.overdueSinceMs === Number.POSITIVE_INFINITY) this.overdueSinceMs = nowMs;
    const isLate = nowMs - this.overdueSinceMs > latestHeartbeats * raft.options.heartbeatMs;
    if (lateMs !== null && isLate) this.checks.late(this.node, lateMs);
  }

  /** For how long something has been due that this leader could have proposed; null when there is no such thing. */
  private latenessMs(
    { id, log, term, clusterTime, leadership, options, configuration }: Raft,
    dueMs: number | null,
    nowMs: number,
  ): number | null {
    const { appliedIndex, lastIndex } = log;
    const isKnown = appliedIndex === this.knownUpTo && log.term(appliedIndex) === term;
    // Who is to hand over leadership, or to lose its vote, takes nothing more.
    const isLeaving = leadership?.takesEntries !== true || !configuration.voters.includes(id);
    if (!isKnown || dueMs === null || isLeaving) return null;
    const lateMs = clusterTime.read(nowMs) - dueMs;
    if (lateMs < 0) return null;
    const first = appliedIndex + 1;
    const coming = lastIndex < first ? [] : log.read(first, lastIndex, Number.POSITIVE_INFINITY);
    // With so much on its way nothing more is taken.
    const onItsWayBytes = coming.reduce((sum, entry) => sum + entryBytes(entry), 0);
    const isFull = onItsWayBytes + roomBytes > options.maxUncommittedBytes;
    return isFull || this.checks.hasTimer(coming) ? null : lateMs;
  }
}
