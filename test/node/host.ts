/** Surroundings of a driver made by hand: time that stands still, peers that answer when told to, and a journal of it all. */

import { Driver, type DriverHost, type DriverObserver } from "../../src/node/driver.ts";
import { defaultSnapshotLimits } from "../../src/node/snapshots.ts";
import { SqlSnapshots } from "../../src/node/sql-snapshots.ts";
import type { Batch, NodeStorage } from "../../src/node/storage.ts";
import type { Outcome, ReadBounds } from "../../src/node/waiters.ts";
import type { Rest } from "../../src/raft/cluster-time.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry, HardState, NodeId } from "../../src/raft/entry.ts";
import type { SnapshotPoint } from "../../src/raft/log.ts";
import type { Message, Snapshot } from "../../src/raft/message.ts";
import { defaultOptions, type RaftOptions } from "../../src/raft/options.ts";
import { decode, type Disk, encode, WordList } from "./word-list.ts";

export const options: RaftOptions = { ...defaultOptions, heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 };
export const threeVoters = simpleConfiguration(["n1", "n2", "n3"]);

/** One start of a node, on a disk that may have seen others. It is `n1`. */
export class TestNode {
  /** What happened since it was last taken, in order, a line each. */
  journal: string[] = [];
  /** What was sent since it was last taken. */
  sent: Message[] = [];
  /** Every role, with its term and leader, since the start. */
  readonly roles: string[] = [];
  /** When the node wants to be woken. */
  deadlineMs = Number.POSITIVE_INFINITY;
  flushesAsked = 0;
  /** The state machine tells results before it applies commands: the right ones, or others. */
  foresees: "nothing" | "results" | "wrongly" = "nothing";
  /** By how much its clock is ahead of the system's, which was set back. */
  aheadMs = 0;
  nowMs: number;
  readonly machine: WordList;
  readonly driver: Driver;

  constructor(disk: Disk, more: Partial<RaftOptions> = {}, nowMs = 1000) {
    this.nowMs = nowMs;
    this.machine = new WordList(disk.sql);
    const storage = disk.storage();
    const stored = storage.open()!;
    this.driver = new Driver({ ...options, ...more }, stored, this.host(storage, disk), nowMs);
  }

  note(line: string): void {
    this.journal.push(line);
  }

  takeJournal(): string[] {
    const taken = this.journal;
    this.journal = [];
    return taken;
  }

  takeSent(): Message[] {
    const taken = this.sent;
    this.sent = [];
    return taken;
  }

  /** Proposes a word and notes when and how its caller is answered. */
  propose(word: string, timeoutMs = 10_000): Promise<Outcome> {
    return this.noteEnd(word, this.driver.propose(encode(word), this.nowMs + timeoutMs, this.nowMs));
  }

  read(
    name: string,
    consistency: "linearizable" | "stale" = "linearizable",
    timeoutMs = 10_000,
    bounds: ReadBounds = {},
  ): Promise<Outcome> {
    const query = encode(name);
    return this.noteEnd(name, this.driver.query(query, consistency, this.nowMs + timeoutMs, this.nowMs, bounds));
  }

  receive(...messages: readonly Message[]): void {
    this.driver.receive(messages, null, this.nowMs);
  }

  /** Lets the time pass to the node's own deadline. */
  wakeAtDeadline(): void {
    this.nowMs = Math.ceil(this.deadlineMs);
    this.driver.wake(this.nowMs);
  }

  /** Makes it the leader of its next term, with the votes of `n2`, and with its no-op committed by `n2` too. */
  lead(): void {
    this.wakeAtDeadline();
    const term = this.driver.raft.term + 1;
    const vote = {
      type: "voteReply",
      question: 0,
      commitIndex: 0,
      commitTerm: 0,
      from: "n2",
      to: "n1",
      term,
      granted: true,
    } as const;
    this.receive({ ...vote, preVote: true });
    this.receive({ ...vote, preVote: false });
    this.ack("n2");
    this.takeJournal();
    this.takeSent();
  }

  /** The peer answers that it has all that the leader has. */
  ack(from: NodeId, index = this.driver.raft.log.lastIndex, round = 0): void {
    const { term } = this.driver.raft;
    this.receive({ type: "appendReply", from, to: "n1", term, index, rejection: null, round });
  }

  private async noteEnd(name: string, promise: Promise<Outcome>): Promise<Outcome> {
    const outcome = await promise;
    const end = outcome.done ? `done "${decode(outcome.result)}" at ${outcome.index}` : outcome.code;
    this.note(`${name}: ${end}${outcome.done || !outcome.ambiguous ? "" : ", ambiguous"}`);
    return outcome;
  }

  private host(storage: NodeStorage, disk: Disk): DriverHost {
    return {
      storage: new JournaledStorage(storage, (line) => this.note(line)),
      snapshots: new SqlSnapshots(disk.sql),
      limits: defaultSnapshotLimits,
      renewMachine: () => this.machine,
      sendPart: (to) => this.note(`send part ${to}`),
      machine: {
        tables: this.machine.tables,
        apply: (commands) => {
          this.note(`apply ${commands.map(({ command }) => decode(command)).join(" ")}`);
          return this.machine.apply(commands);
        },
        foresee: ({ command }) => {
          if (this.foresees === "nothing") return null;
          const next = this.foresees === "results" ? decode(command) : "else";
          return encode([...this.machine.words(), next].join(" "));
        },
        query: (query) => this.machine.query(query),
        nextTimerMs: () => this.machine.nextTimerMs(),
        timerCommand: () => this.machine.timerCommand(),
      },
      send: (to, messages) => {
        for (const message of messages) this.note(`send ${to} ${describe(message)}`);
        this.sent.push(...messages);
      },
      arm: (deadlineMs) => void (this.deadlineMs = deadlineMs),
      toSystemMs: (timeMs) => timeMs - this.aheadMs,
      scheduleFlush: () => void (this.flushesAsked += 1),
      configured: () => true,
      abort: (error) => this.note(`abort ${error instanceof Error ? error.message : String(error)}`),
      random: () => 0.5,
      observer: this.observer(),
    };
  }

  private observer(): DriverObserver {
    return {
      roleChanged: ({ role, term, leader }) => void this.roles.push(`${role} ${term} ${leader}`),
      saved: (count) => void this.observed.saved.push(count),
      applied: (delayMs) => void this.observed.applied.push(delayMs),
      committed: (latencyMs) => void this.observed.committed.push(latencyMs),
      compacted: () => {},
      snapshotSent: () => {},
      snapshotInstalled: () => {},
    };
  }

  readonly observed: { saved: number[]; applied: number[]; committed: number[] } = {
    saved: [],
    applied: [],
    committed: [],
  };
}

class JournaledStorage implements NodeStorage {
  private readonly storage: NodeStorage;
  private readonly note: (line: string) => void;

  constructor(storage: NodeStorage, note: (line: string) => void) {
    this.storage = storage;
    this.note = note;
  }

  transaction<T>(work: () => T): T {
    this.note("begin");
    try {
      const result = this.storage.transaction(work);
      this.note("commit");
      return result;
    } catch (error) {
      this.note("rollback");
      throw error;
    }
  }

  saveHardState(hardState: HardState): void {
    this.note(`save term ${hardState.term} vote ${hardState.vote}`);
    this.storage.saveHardState(hardState);
  }

  saveEntries(entries: readonly Entry[]): void {
    if (entries.length > 0) this.note(`save entries ${entries[0]!.index}..${entries.at(-1)!.index}`);
    this.storage.saveEntries(entries);
  }

  saveAppliedIndex(index: number): void {
    this.note(`save applied ${index}`);
    this.storage.saveAppliedIndex(index);
  }

  saveConfiguration(configuration: Configuration): void {
    this.note(`save voters ${configuration.voters.join(" ")}`);
    this.storage.saveConfiguration(configuration);
  }

  saveQuiescent(quiescent: Rest | false): void {
    this.note(quiescent === false ? "save awake" : `save rest in term ${quiescent.term}`);
    this.storage.saveQuiescent(quiescent);
  }

  compactTo(point: SnapshotPoint): void {
    this.note(`compact to ${point.index}`);
    this.storage.compactTo(point);
  }

  restore(snapshot: Snapshot): void {
    this.note(`restore ${snapshot.index}`);
    this.storage.restore(snapshot);
  }

  oldestBatches(count: number): readonly Batch[] {
    return this.storage.oldestBatches(count);
  }

  bytesUpTo(index: number): number {
    return this.storage.bytesUpTo(index);
  }

  term(index: number): number {
    return this.storage.term(index);
  }

  entries(first: number, last: number, maxBytes: number): Entry[] {
    return this.storage.entries(first, last, maxBytes);
  }
}

/** A message in as many words as a journal needs. */
function describe(message: Message): string {
  switch (message.type) {
    case "requestVote":
      return message.preVote ? "preVote?" : `vote? ${message.term}`;
    case "voteReply":
      return `${message.preVote ? "preVote" : "vote"} ${message.granted ? "yes" : "no"} ${message.term}`;
    case "appendEntries":
      return `append ${message.entries.map(({ index }) => index).join(",")} commit ${message.commitIndex}`;
    case "appendReply":
      return message.rejection === null ? `has ${message.index}` : `lacks ${message.index}`;
    case "heartbeat":
      return "heartbeat";
    case "heartbeatReply":
      return "heartbeat ok";
    default:
      return message.type;
  }
}

/** Lets everything happen that follows from a settled promise. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}
