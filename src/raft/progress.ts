/** What a leader knows of one peer: how far its log is equal, and what is on its way to it. */

import { assert } from "./assert.ts";
import { entryBytes, type Entry } from "./entry.ts";
import { RoundTrips } from "./round-trips.ts";

export interface InflightLimits {
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
}

interface Inflight {
  readonly lastIndex: number;
  readonly bytes: number;
}

/**
 * In `probe` the peer's log is not known: one append at a time looks for the point where it is equal. In `replicate`
 * appends are sent ahead of their answers, as far as the in-flight window allows. In `snapshot` the peer's log ends
 * before the leader's begins: a snapshot is on its way, and nothing else is sent.
 */
export type ProgressState = "probe" | "replicate" | "snapshot";

export class Progress {
  state: ProgressState = "probe";
  /** The highest index known to be stored there; never falls. */
  matchIndex = 0;
  /** The index of the next entry to send. */
  nextIndex: number;
  /** The highest commit index sent with entries or without. */
  sentCommitIndex = 0;
  /** The newest round that it has answered. */
  ackedRound = 0;
  /** Whether it answered since the leader last looked for its quorum. */
  recentlyActive = false;
  /** When it was last heard in this term, in milliseconds of the leader's clock. */
  lastContactMs: number | null = null;
  /** A probe is under way, or the window is full: nothing with entries is sent until something comes back. */
  paused = false;
  /** Send an append even if it carries nothing new: its answer will tell where the peer is. */
  nudge = false;
  /** How long it takes to answer. */
  readonly roundTrips = new RoundTrips();
  /** A heartbeat of the timer is unanswered; its answer is the moment to look for lost appends. */
  heartbeatSent = false;
  /** The index of the snapshot that is on its way; 0 when none is. */
  pendingSnapshot = 0;
  private inflights: Inflight[] = [];
  private inflightBytes = 0;
  private readonly limits: InflightLimits;

  constructor(nextIndex: number, limits: InflightLimits) {
    this.nextIndex = nextIndex;
    this.limits = limits;
  }

  get windowFull(): boolean {
    return (
      this.inflights.length >= this.limits.maxInflightMessages || this.inflightBytes >= this.limits.maxInflightBytes
    );
  }

  /** Records an append that is being sent. */
  sent(entries: readonly Entry[], commitIndex: number): void {
    this.nudge = false;
    this.sentCommitIndex = Math.max(this.sentCommitIndex, commitIndex);
    assert(this.state !== "snapshot", "nothing is appended to a peer that waits for a snapshot");
    if (this.state === "probe") {
      this.paused = true;
      return;
    }
    const last = entries.at(-1);
    if (last !== undefined) {
      const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
      this.nextIndex = last.index + 1;
      this.inflights.push({ lastIndex: last.index, bytes });
      this.inflightBytes += bytes;
    }
    this.paused = this.windowFull;
  }

  /**
   * Takes an accepted append. Answers may come late, twice and out of order: the match never falls.
   * `firstIndex` is where the leader's log begins.
   */
  accepted(matchIndex: number, firstIndex: number): void {
    this.matchIndex = Math.max(this.matchIndex, matchIndex);
    this.nextIndex = Math.max(this.nextIndex, this.matchIndex + 1);
    if (this.state === "probe") {
      // An answer to an older append proves the log equal up to its index, which is all that replicating needs.
      if (matchIndex === this.matchIndex) this.becomeReplicate();
      return;
    }
    if (this.state === "snapshot") {
      // Whether by that snapshot, by another or by appends: the peer has what the log can go on from.
      if (this.matchIndex + 1 >= firstIndex) this.becomeReplicate();
      return;
    }
    const freed = this.inflights.findIndex((inflight) => inflight.lastIndex > this.matchIndex);
    for (const inflight of this.inflights.splice(0, freed < 0 ? this.inflights.length : freed)) {
      this.inflightBytes -= inflight.bytes;
    }
    this.paused = this.windowFull;
  }

  /**
   * Takes a rejected append. `prevLogIndex` is what the peer refused, `hintIndex` where the logs may meet. Answers whether
   * it was news: a late or repeated rejection must not throw back what is known by now.
   */
  rejected(prevLogIndex: number, hintIndex: number): boolean {
    if (this.state === "snapshot") return false;
    if (this.state === "replicate") {
      if (prevLogIndex <= this.matchIndex) return false;
      this.becomeProbe();
      return true;
    }
    if (prevLogIndex !== this.nextIndex - 1) return false;
    this.nextIndex = Math.max(Math.min(prevLogIndex, hintIndex + 1), this.matchIndex + 1);
    this.sentCommitIndex = Math.min(this.sentCommitIndex, this.nextIndex - 1);
    this.paused = false;
    this.nudge = true;
    return true;
  }

  /** What was sent may be lost: go back to what is known. */
  becomeProbe(): void {
    // After a snapshot, delivered or not, the point to ask at is where it would have led.
    this.nextIndex = Math.max(this.matchIndex, this.pendingSnapshot) + 1;
    this.pendingSnapshot = 0;
    this.state = "probe";
    this.sentCommitIndex = Math.min(this.sentCommitIndex, this.matchIndex);
    this.forgetInflights();
    this.nudge = true;
  }

  /** A snapshot of the state at `index` is being sent. */
  becomeSnapshot(index: number): void {
    this.forgetInflights();
    this.state = "snapshot";
    this.pendingSnapshot = index;
    this.nextIndex = index + 1;
    this.sentCommitIndex = index;
    this.nudge = false;
  }

  /** The sending of the snapshot has ended; the peer's next answer will tell where it is. */
  snapshotSent(delivered: boolean): void {
    if (this.state !== "snapshot") return;
    if (!delivered) this.pendingSnapshot = 0;
    this.becomeProbe();
    // Wait for the answer to the snapshot, or for the next heartbeat's, rather than ask while it is being installed.
    this.paused = true;
  }

  /** The peer has asked for something. That it can be reached does not follow. */
  heard(nowMs: number): void {
    this.lastContactMs = nowMs;
  }

  /** Takes any answer of this term: the peer lives. */
  contacted(round: number, nowMs: number): void {
    assert(round >= 0, "rounds count from 0");
    this.recentlyActive = true;
    this.heard(nowMs);
    this.ackedRound = Math.max(this.ackedRound, round);
  }

  /** Takes the answer to a heartbeat: the peer lives, so whatever it has not answered by now may be lost. */
  heartbeatAnswered(lastIndex: number): void {
    if (!this.heartbeatSent) return;
    this.heartbeatSent = false;
    this.paused = false;
    this.nudge = this.state !== "snapshot" && (this.state === "probe" || this.matchIndex < lastIndex);
  }

  private becomeReplicate(): void {
    this.state = "replicate";
    this.pendingSnapshot = 0;
    this.nextIndex = this.matchIndex + 1;
    this.forgetInflights();
  }

  private forgetInflights(): void {
    this.inflights = [];
    this.inflightBytes = 0;
    this.paused = false;
  }
}
