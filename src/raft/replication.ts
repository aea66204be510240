/** What goes from a leader to its peers, and what it knows of each of them. */

import { isVoter, members } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import { Progress } from "./progress.ts";
import { majorityReached } from "./quorum.ts";
import type { Raft } from "./raft.ts";

export class Replication {
  readonly peers = new Map<NodeId, Progress>();
  private readonly raft: Raft;

  constructor(raft: Raft) {
    this.raft = raft;
  }

  /** The highest index that a voter is known to store. */
  matchIndex(voter: NodeId): number {
    return voter === this.raft.id ? this.raft.log.lastIndex : (this.peers.get(voter)?.matchIndex ?? 0);
  }

  /** The round trip that the slowest voter needs; a learner's slowness keeps nobody from electing. 0 until it is known. */
  get slowestVoterMs(): number {
    const voters = [...this.peers].filter(([peer]) => isVoter(this.raft.configuration, peer));
    return Math.max(0, ...voters.map(([, { roundTrips }]) => roundTrips.p99Ms));
  }

  /** Keeps what is known of peers that stay, and begins with those that are new. */
  follow(): void {
    const { configuration, id, log, options } = this.raft;
    const peers = members(configuration).filter((peer) => peer !== id);
    for (const peer of this.peers.keys()) if (!peers.includes(peer)) this.peers.delete(peer);
    for (const peer of peers) {
      if (this.peers.has(peer)) continue;
      const progress = new Progress(log.lastIndex + 1, options);
      // A new peer gets the time until the next check before it counts as silent.
      progress.recentlyActive = true;
      progress.nudge = true;
      this.peers.set(peer, progress);
    }
  }

  /** Whether a majority was heard since this was last asked. */
  heardFromQuorum(): boolean {
    const heard = (voter: NodeId): number =>
      voter === this.raft.id || this.peers.get(voter)?.recentlyActive === true ? 1 : 0;
    const quorum = majorityReached(this.raft.configuration, heard) >= 1;
    for (const progress of this.peers.values()) progress.recentlyActive = false;
    return quorum;
  }

  /** Sends what the peer lacks and the window allows, and a moved commit index at once. */
  send(to: NodeId, progress: Progress, round: number): void {
    const { log } = this.raft;
    while (canSend(progress) && !progress.windowFull && progress.nextIndex <= log.lastIndex) {
      this.sendAppend(to, progress, round);
    }
    const commitMoved = log.commitIndex > progress.sentCommitIndex && progress.sentCommitIndex < progress.nextIndex - 1;
    if (canSend(progress) && (progress.nudge || commitMoved)) this.sendAppend(to, progress, round);
  }

  private sendAppend(to: NodeId, progress: Progress, round: number): void {
    const { id: from, term, log, options } = this.raft;
    const prevLogIndex = progress.nextIndex - 1;
    const prevLogTerm = log.term(prevLogIndex);
    if (prevLogTerm === undefined) {
      this.sendSnapshot(to, progress, round);
      return;
    }
    const more = !progress.windowFull && progress.nextIndex <= log.lastIndex;
    const entries = more ? log.read(progress.nextIndex, log.lastIndex, options.maxAppendBytes) : [];
    const { commitIndex } = log;
    progress.sent(entries, commitIndex);
    this.raft.send({ type: "appendEntries", from, to, term, prevLogIndex, prevLogTerm, entries, commitIndex, round });
  }

  /** The log no longer has what the peer lacks: sends the state instead (Raft paper, section 7). */
  private sendSnapshot(to: NodeId, progress: Progress, round: number): void {
    const { id: from, term } = this.raft;
    if (!progress.recentlyActive) {
      // Nobody is there to take it; an answer to a heartbeat will bring this up again.
      progress.paused = true;
      return;
    }
    const snapshot = this.raft.snapshot();
    progress.becomeSnapshot(snapshot.index);
    this.raft.send({ type: "installSnapshot", from, to, term, snapshot, round });
  }
}

function canSend(progress: Progress): boolean {
  return !progress.paused && progress.state !== "snapshot";
}
