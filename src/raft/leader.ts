/** The leader: it replicates its log, commits what a majority has, and proves that it still leads. */

import { assert } from "./assert.ts";
import { members } from "./configuration.ts";
import { type Entry, entryBytes, type EntryKind, type NodeId } from "./entry.ts";
import { type AppendReply, isFromLeader, type Message } from "./message.ts";
import { Progress } from "./progress.ts";
import { majorityReached } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import { ReadRounds } from "./read-rounds.ts";
import type { Role } from "./role.ts";

/** What became of a proposal: its place in the leader's log, or why it was not taken. */
export type Proposal =
  | { readonly accepted: true; readonly index: number; readonly term: number }
  | { readonly accepted: false; readonly reason: "not_leader" | "overloaded" };

export class Leader implements Role {
  readonly name = "leader";
  readonly leader: NodeId;
  readonly peers: ReadonlyMap<NodeId, Progress>;
  private readonly raft: Raft;
  private readonly reads: ReadRounds;
  private heartbeatAtMs: number;
  private quorumCheckAtMs: number;
  private heartbeatDue = false;
  private lastTimeMs: number;
  /** This term's entries that wait for their commit, and their size. */
  private readonly uncommitted: { readonly index: number; readonly bytes: number }[] = [];
  private uncommittedBytes = 0;

  constructor(raft: Raft, nowMs: number) {
    this.raft = raft;
    this.leader = raft.id;
    this.reads = new ReadRounds();
    this.lastTimeMs = raft.log.lastTimeMs;
    this.heartbeatAtMs = nowMs + raft.options.heartbeatMs;
    this.quorumCheckAtMs = nowMs + raft.options.electionMaxMs;
    const peers = members(raft.configuration).filter((id) => id !== raft.id);
    this.peers = new Map(peers.map((id) => [id, new Progress(raft.log.lastIndex + 1, raft.options)]));
    // Entries of earlier terms are committed by committing one of this term (Raft paper, sections 5.4.2 and 8).
    this.append("noop", new Uint8Array(0), nowMs);
    this.commit();
  }

  get deadlineMs(): number {
    return Math.min(this.heartbeatAtMs, this.quorumCheckAtMs);
  }

  refusesVotes(): boolean {
    return this.raft.options.checkQuorum;
  }

  expire(nowMs: number): void {
    if (nowMs >= this.quorumCheckAtMs) {
      this.quorumCheckAtMs = nowMs + this.raft.options.electionMaxMs;
      if (this.raft.options.checkQuorum && !this.heardFromQuorum()) {
        this.raft.becomeFollower(this.raft.term, null, nowMs);
        return;
      }
    }
    if (nowMs >= this.heartbeatAtMs) this.heartbeatDue = true;
  }

  propose(command: Uint8Array, nowMs: number): Proposal {
    const bytes = command.length;
    // A single large command is taken when nothing else waits: the limit bounds a queue, not a command.
    if (this.uncommittedBytes > 0 && this.uncommittedBytes + bytes > this.raft.options.maxUncommittedBytes) {
      return { accepted: false, reason: "overloaded" };
    }
    const index = this.append("command", command, nowMs);
    this.commit();
    return { accepted: true, index, term: this.raft.term };
  }

  readIndex(context: number): void {
    this.reads.add(context);
  }

  reportUnreachable(peer: NodeId): void {
    const progress = this.peers.get(peer);
    // What was sent ahead is probably lost.
    if (progress?.state === "replicate") progress.becomeProbe();
  }

  step(message: Message, nowMs: number): void {
    assert(!isFromLeader(message), `${message.from} leads term ${message.term} too`);
    if (message.type !== "appendReply" && message.type !== "heartbeatReply") return;
    const progress = this.peers.get(message.from);
    if (progress === undefined) return;
    progress.contacted(message.round, nowMs);
    if (message.type === "appendReply") {
      this.appendReply(progress, message);
    } else {
      progress.heartbeatAnswered(this.raft.log.lastIndex);
    }
    this.confirmReads();
  }

  /** Writes the messages that are due, at the end of a turn: whatever happened in it is in one message a peer. */
  emit(nowMs: number): void {
    const round = this.startRound();
    for (const [id, progress] of this.peers) {
      if (round) this.sendHeartbeat(id, progress);
      if (this.heartbeatDue) progress.heartbeatSent = true;
      this.replicate(id, progress);
    }
    if (this.heartbeatDue) this.heartbeatAtMs = nowMs + this.raft.options.heartbeatMs;
    this.heartbeatDue = false;
    if (round) this.confirmReads();
  }

  private append(kind: EntryKind, data: Uint8Array, nowMs: number): number {
    const { log, term } = this.raft;
    this.lastTimeMs = Math.max(this.lastTimeMs, Math.floor(nowMs));
    const entry: Entry = { index: log.lastIndex + 1, term, kind, timeMs: this.lastTimeMs, data };
    log.append([entry]);
    const bytes = entryBytes(entry);
    this.uncommitted.push({ index: entry.index, bytes });
    this.uncommittedBytes += bytes;
    return entry.index;
  }

  /**
   * Commits what a majority stores, if it is of this term (Raft paper, section 5.4.2). The leader counts its own entries
   * at once: whatever depends on them leaves the node after they are durable.
   */
  private commit(): void {
    const { log, term, configuration } = this.raft;
    const index = majorityReached(configuration.voters, (voter) => this.matchIndex(voter));
    if (index <= log.commitIndex || log.term(index) !== term) return;
    log.commitTo(index);
    const waiting = this.uncommitted.findIndex((entry) => entry.index > index);
    for (const entry of this.uncommitted.splice(0, waiting < 0 ? this.uncommitted.length : waiting)) {
      this.uncommittedBytes -= entry.bytes;
    }
  }

  private matchIndex(voter: NodeId): number {
    return voter === this.raft.id ? this.raft.log.lastIndex : (this.peers.get(voter)?.matchIndex ?? 0);
  }

  private appendReply(progress: Progress, reply: AppendReply): void {
    const { rejection, index } = reply;
    if (rejection === null) {
      progress.accepted(index);
      this.commit();
      return;
    }
    // The follower skipped what can't match because of its terms; skip what can't because of ours.
    const hint = this.raft.log.lastAtMost(rejection.hintIndex, rejection.hintTerm);
    if (progress.rejected(index, hint.index) && progress.state === "probe") progress.nudge = true;
  }

  private heardFromQuorum(): boolean {
    const { voters } = this.raft.configuration;
    const heard = (voter: NodeId): number =>
      voter === this.raft.id || this.peers.get(voter)?.recentlyActive === true ? 1 : 0;
    const quorum = majorityReached(voters, heard) === 1;
    for (const progress of this.peers.values()) progress.recentlyActive = false;
    return quorum;
  }

  /** A heartbeat that is due starts a round, and so does a read when no earlier round is still being answered. */
  private startRound(): boolean {
    const { log, term } = this.raft;
    if (!this.heartbeatDue && !this.reads.wantsRound) return false;
    const mayRead = log.term(log.commitIndex) === term;
    if (!this.heartbeatDue && !mayRead) return false;
    this.reads.startRound(mayRead ? log.commitIndex : null);
    return true;
  }

  private confirmReads(): void {
    const { configuration, id } = this.raft;
    const acked = (voter: NodeId): number =>
      voter === id ? this.reads.round : (this.peers.get(voter)?.ackedRound ?? 0);
    const round = majorityReached(configuration.voters, acked);
    for (const read of this.reads.confirm(round)) this.raft.confirmRead(read);
  }

  private sendHeartbeat(to: NodeId, progress: Progress): void {
    const { id: from, term, log, counters } = this.raft;
    counters.heartbeatsSent += 1;
    const commitIndex = Math.min(progress.matchIndex, log.commitIndex);
    this.raft.send({ type: "heartbeat", from, to, term, commitIndex, round: this.reads.round });
  }

  /** Sends what the peer lacks and the window allows, and a moved commit index at once. */
  private replicate(to: NodeId, progress: Progress): void {
    const { log } = this.raft;
    while (!progress.paused && !progress.windowFull && progress.nextIndex <= log.lastIndex) {
      this.sendAppend(to, progress);
    }
    const commitMoved = log.commitIndex > progress.sentCommitIndex && progress.sentCommitIndex < progress.nextIndex - 1;
    if (!progress.paused && (progress.nudge || commitMoved)) this.sendAppend(to, progress);
  }

  private sendAppend(to: NodeId, progress: Progress): void {
    const { id: from, term, log, options } = this.raft;
    const prevLogIndex = progress.nextIndex - 1;
    const prevLogTerm = log.term(prevLogIndex) ?? 0;
    const more = !progress.windowFull && progress.nextIndex <= log.lastIndex;
    const entries = more ? log.read(progress.nextIndex, log.lastIndex, options.maxAppendBytes) : [];
    const { commitIndex } = log;
    progress.sent(entries, commitIndex);
    const round = this.reads.round;
    this.raft.send({ type: "appendEntries", from, to, term, prevLogIndex, prevLogTerm, entries, commitIndex, round });
  }
}
