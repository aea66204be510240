/** Cluster time: the one clock of a group, which its leaders keep one after the other. */

import type { Timing } from "./timing.ts";

/** How a node went to rest. */
export interface Rest {
  /** The term in which the group rests. */
  readonly term: number;
  /** Whether this node is the leader of that term. */
  readonly led: boolean;
  /** The cluster time when the rest began, as far as this node knew it. */
  readonly timeMs: number;
  /** The same moment in the time of the node's calls; of its wall clock, where it is stored. */
  readonly sinceMs: number;
}

/**
 * Every entry is stamped with the cluster time at which its leader made it. Cluster time is what leaders have measured, one
 * after the other, each on its own clock; while nobody leads it stands still. It may come to run late by what nobody has
 * measured, and never early, because by it leases end. A new leader goes on from the later of two:
 *
 * - The stamp of its log's last entry. All committed entries are in that log (leader completeness, Raft paper, section
 *   5.4.3), so stamps never fall from one to the next.
 * - What this node knows of its predecessor's clock, if that one led the term before. Each term has one leader at most
 *   (election safety), and between two neighbouring terms there is none: nobody has led in between, not even one who
 *   committed nothing. Of a leader of an earlier term the same would prove nothing: another may have come and failed since,
 *   and the time of that outage must not count.
 *
 * Followers know the leader's clock from its heartbeats. From the last one on it stands still for them, unless it has let
 * them rest: a group at rest is led, as whoever is asked first is leader a moment later. So while a node rests the time
 * passes, by its own clock, and through an eviction by the wall's; from its waking until somebody leads it does not. This
 * holds whatever becomes of the resting leader itself: if it is lost, the first who is asked wakes, is elected in the next
 * term, and has counted the time until he was woken. If the leader is heard again, its word counts, and what a follower has
 * counted does not: the leader may have counted less, and entries are stamped by that.
 *
 * Nobody can tell a clock that was set from time that has passed. What is believed is therefore bounded:
 *
 * - Of a leader's standing still, as much as the longest election timeout: after that another may lead.
 * - Of a rest, all, as long as it ends about when the next timer is due. All nodes have alarms for that time; if none of
 *   them has rung by far, all were down, or the clock was set forward, and the rest counts nothing.
 * - A clock that was set back shortens what has passed, at most to nothing.
 *
 * What remains: a wall clock that is set forward while its group rests, by less than is left until the next timer, is
 * believed, and so is an outage that begins and ends within a rest while nobody is asked anything.
 */
export class ClusterTime {
  /** When the state machine next wants something to happen, in cluster time; infinite for never. */
  timerMs = Number.POSITIVE_INFINITY;
  private readonly timing: Timing;
  /** The term whose clock this is. */
  private term = 0;
  private timeMs = 0;
  /** When it was `timeMs`, in the time of the calls. */
  private atMs = 0;
  /** The newest word of the leader. */
  private heardMs = 0;
  private pace: "standing" | "leading" | "resting" = "standing";
  private led = false;

  constructor(stored: Rest | false, timing: Timing) {
    this.timing = timing;
    if (stored === false) return;
    this.term = stored.term;
    this.timeMs = stored.timeMs;
    this.heardMs = stored.timeMs;
    this.atMs = stored.sinceMs;
    this.led = stored.led;
    this.pace = "resting";
  }

  /** The cluster time now, as far as this node knows it, in whole milliseconds. */
  read(nowMs: number): number {
    // A leader's time passes in steps, from one look at it to the next.
    if (this.pace === "leading") this.move(nowMs);
    return Math.floor(this.exact(nowMs));
  }

  /** When the next timer will be due, in the time of the calls; infinite if never, or as long as the time stands still. */
  get timerAtMs(): number {
    return this.pace === "standing" ? Number.POSITIVE_INFINITY : this.atMs + (this.timerMs - this.timeMs);
  }

  /** This node leads from now on. `lastStampMs` is that of its log's last entry, 0 if that is empty. */
  lead(term: number, lastStampMs: number, nowMs: number): void {
    const known = this.term === term - 1 ? this.exact(nowMs) : 0;
    // The first leader of a group begins with its wall clock.
    this.timeMs = Math.max(lastStampMs, known) || nowMs;
    this.atMs = nowMs;
    this.term = term;
    this.pace = "leading";
  }

  /** The leader of a term says what time it is. Its words may come late. */
  heard(term: number, timeMs: number, nowMs: number): void {
    this.heardMs = this.term === term ? Math.max(this.heardMs, timeMs) : timeMs;
    this.term = term;
    this.atMs = nowMs;
    this.recall();
  }

  /** There is a leader: what this node has counted since its last word is void. */
  recall(): void {
    this.timeMs = this.heardMs;
    this.pace = "standing";
  }

  /** The group rests, and this node is the leader or follows one. */
  rest(led: boolean, nowMs: number): void {
    this.move(nowMs);
    this.led = led;
    this.pace = "resting";
  }

  /** A leader that rested, or did not, leads on. */
  resume(nowMs: number): void {
    this.move(nowMs);
    this.pace = "leading";
  }

  /** This node does not lead, or no more, and does not rest. */
  stand(nowMs: number): void {
    this.move(nowMs);
    this.pace = "standing";
  }

  /** How this node rests; false if it does not. */
  get resting(): Rest | false {
    const { pace, term, led, timeMs, atMs } = this;
    return pace === "resting" && { term, led, timeMs, sinceMs: atMs };
  }

  private move(nowMs: number): void {
    this.timeMs = this.exact(nowMs);
    this.atMs = nowMs;
  }

  private exact(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.atMs);
    switch (this.pace) {
      case "standing":
        return this.timeMs;
      case "leading":
        return this.timeMs + Math.min(passedMs, this.timing.electionMaxMs);
      case "resting":
        return this.timeMs + (this.isOutage(this.timeMs + passedMs) ? 0 : passedMs);
    }
  }

  private isOutage(timeMs: number): boolean {
    return timeMs > this.timerMs + outageTimeouts * this.timing.electionMaxMs;
  }
}

/** True if the two say the same, and none of their clocks is off from the other's by more than `withinMs`. */
export function sameRest(one: Rest | false, other: Rest | false, withinMs: number): boolean {
  if (one === false || other === false) return one === other;
  if (one.term !== other.term || one.led !== other.led) return false;
  return Math.abs(one.timeMs - one.sinceMs - (other.timeMs - other.sinceMs)) <= withinMs;
}

/** After so many of the longest election timeouts even the last of the resting nodes' alarms should have rung. */
const outageTimeouts = 20;
