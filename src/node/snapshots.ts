/** What a turn has to do with snapshots: a state that leaves, one that arrives, and the log that neither of them needs. */

import type { StateMachine } from "../machine.ts";
import { assert } from "../raft/assert.ts";
import type { NodeId } from "../raft/entry.ts";
import type { InstallSnapshot, Snapshot } from "../raft/message.ts";
import type { Raft } from "../raft/raft.ts";
import { Compaction, defaultLogLimits, type LogLimits } from "./compaction.ts";
import type { PartAnswer, SnapshotPart } from "./snapshot-part.ts";
import { SnapshotReceiver, type Taken } from "./snapshot-receiver.ts";
import { defaultSenderLimits, type SenderLimits, SnapshotSender } from "./snapshot-sender.ts";
import type { SnapshotStore } from "./snapshot-store.ts";
import type { NodeStorage } from "./storage.ts";

export type SnapshotLimits = LogLimits & SenderLimits;

export const defaultSnapshotLimits: SnapshotLimits = { ...defaultLogLimits, ...defaultSenderLimits };

export interface SnapshotsHost {
  readonly storage: NodeStorage;
  readonly snapshots: SnapshotStore;
  readonly limits: SnapshotLimits;
  /** Makes the state machine anew, over tables that were replaced. Called in the transaction that replaces them. */
  renewMachine(): StateMachine;
  /** Sends a page to a peer; what comes of it is told by one call of `answered`. */
  sendPart(to: NodeId, part: SnapshotPart): void;
  random(): number;
  readonly observer: SnapshotObserver;
}

/** Learns what happened; must not change anything. */
export interface SnapshotObserver {
  /** So many entries of the log were forgotten. */
  compacted(count: number): void;
  /** The sending of a snapshot has ended. */
  snapshotSent(peer: NodeId, delivered: boolean): void;
  /** A snapshot of the state at `index` has replaced this node's. */
  snapshotInstalled(index: number): void;
}

export class Snapshots {
  readonly compaction: Compaction;
  private readonly host: SnapshotsHost;
  private readonly raft: Raft;
  private readonly sender: SnapshotSender;
  private readonly receiver: SnapshotReceiver;

  constructor(host: SnapshotsHost, raft: Raft, nowMs: number) {
    const { storage, snapshots, limits } = host;
    this.host = host;
    this.raft = raft;
    const work = {
      snapshots,
      transaction: <T>(writes: () => T): T => storage.transaction(writes),
      sendPart: (to: NodeId, part: SnapshotPart) => host.sendPart(to, part),
      random: () => host.random(),
    };
    this.compaction = new Compaction(storage, limits);
    this.sender = new SnapshotSender(work, limits, nowMs);
    this.receiver = new SnapshotReceiver(work);
  }

  /** Sends the state that the message speaks of, which still is the present one: this is the moment to keep it. */
  send(message: InstallSnapshot, tables: readonly string[]): void {
    const { log } = this.raft;
    assert(message.snapshot.index === log.appliedIndex, "a snapshot of another state");
    // While another peer is being sent the state this one waits; the core asks again when the peer is heard.
    if (!this.sender.begin(message, log.firstIndex, tables)) this.raft.reportSnapshot(message.to, false);
  }

  /** Takes what the receiver says to a page; null when it could not be reached. */
  answered(part: SnapshotPart, answer: PartAnswer | null, nowMs: number): void {
    for (const message of answer?.messages ?? []) this.raft.step(message, nowMs);
    const { to } = part.message;
    const wanted = this.raft.leadership?.peers.get(to)?.state === "snapshot";
    const sending = this.sender.answered(part, answer, wanted, nowMs);
    if (sending !== "delivered" && sending !== "failed") return;
    this.raft.reportSnapshot(to, sending === "delivered");
    this.host.observer.snapshotSent(to, sending === "delivered");
  }

  /** Takes a page. With the last one the state is handed to the core, which answers the leader. */
  take(part: SnapshotPart, tables: readonly string[], nowMs: number): Taken {
    const taken = this.receiver.take(part, this.raft, tables);
    if (taken.result === "installed") this.raft.step(part.message, nowMs);
    return taken;
  }

  /**
   * Puts the state that was received in the place of this node's own, with the log's new beginning and the members.
   * Answers the state machine over it. To be called in a transaction.
   */
  install(snapshot: Snapshot): StateMachine {
    const { storage, snapshots, observer } = this.host;
    assert(this.receiver.holds(snapshot.index), `the state at ${snapshot.index} is not here`);
    storage.restore(snapshot);
    snapshots.installStaging();
    this.receiver.installed();
    this.sender.replaced();
    observer.snapshotInstalled(snapshot.index);
    return this.host.renewMachine();
  }

  /** Forgets what is of no more use: old entries, and states that nobody waits for. */
  tidy(nowMs: number): void {
    const { log } = this.raft;
    const { storage, observer } = this.host;
    this.receiver.tidy(log.commitIndex);
    this.sender.expire(nowMs);
    const index = this.compaction.next(this.raft, this.sender.pinnedIndex, nowMs);
    if (index === null) return;
    const point = { index, term: log.term(index) ?? 0, timeMs: log.timeMs(index) };
    const count = index + 1 - log.firstIndex;
    // The protocol's log first: it looks at the entries once more.
    log.compactTo(index);
    storage.transaction(() => storage.compactTo(point));
    observer.compacted(count);
  }
}
