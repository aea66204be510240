/** One node with its disk, whose turns do what the driver's do: send early, save, apply, send, answer reads. */

import type { Configuration } from "../../src/raft/configuration.ts";
import type { Entry, HardState, NodeId } from "../../src/raft/entry.ts";
import type { Leader, Proposal } from "../../src/raft/leader.ts";
import type { Message } from "../../src/raft/message.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { Raft } from "../../src/raft/raft.ts";
import type { ConfirmedRead, Ready } from "../../src/raft/ready.ts";
import { bytes, testOptions, textOf, voteReply } from "./build.ts";
import { Disk, group, snapshotStates } from "./disk.ts";

export interface NodeSettings {
  readonly id?: NodeId;
  readonly configuration?: Configuration;
  readonly log?: readonly Entry[];
  readonly hardState?: HardState;
  readonly options?: Partial<RaftOptions>;
  /** Where in its range each timeout lies, from 0 to 1. */
  readonly random?: () => number;
  /** Whether commands like `timer 5000` set timers, each of which rings at that cluster time. */
  readonly timers?: boolean;
}

/** Where in a turn that has something to write a node loses its power. */
export type CrashPoint = "before the write" | "after the write";

export class TestNode {
  readonly id: NodeId;
  readonly disk: Disk;
  readonly options: RaftOptions;
  /** Forgotten in a crash, and made anew from the disk. */
  raft: Raft;
  nowMs = 0;
  down = false;
  /** Asked at every write. */
  losesPower: () => CrashPoint | null = () => null;
  /** Everything sent since `start`, unless a network takes it. */
  sent: Message[] = [];
  readonly readies: Ready[] = [];
  readonly reads: ConfirmedRead[] = [];
  send: (message: Message) => void = (message) => void this.sent.push(message);
  private readonly random: () => number;
  private readonly timers: boolean;

  constructor(settings: NodeSettings = {}) {
    const { id = "n1", configuration = group(3), log = [], options = {}, random = () => 0.5 } = settings;
    this.timers = settings.timers ?? false;
    const lastTerm = log.at(-1)?.term ?? 0;
    this.id = id;
    this.options = { ...testOptions, ...options };
    this.random = random;
    this.disk = new Disk(configuration, log, settings.hardState ?? { term: lastTerm, vote: null });
    this.raft = this.create();
  }

  get leadership(): Leader {
    const { leadership } = this.raft;
    if (leadership === null) throw new Error(`${this.id} does not lead`);
    return leadership;
  }

  /** Moves the node's clock, without telling it. */
  pass(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  tick(): Message[] {
    return this.turn(() => this.raft.tick(this.nowMs));
  }

  /** Lets the time of the next deadline come. */
  expire(): Message[] {
    const { deadlineMs } = this.raft;
    if (deadlineMs === Number.POSITIVE_INFINITY) throw new Error(`${this.id} waits for nothing`);
    this.nowMs = Math.max(this.nowMs, deadlineMs);
    return this.tick();
  }

  /** Takes messages in one turn; answers what it sent in it. */
  receive(...messages: readonly Message[]): Message[] {
    return this.turn(() => {
      for (const message of messages) this.raft.step(message, this.nowMs);
    });
  }

  propose(...texts: readonly string[]): Proposal[] {
    const proposals: Proposal[] = [];
    this.turn(() => {
      for (const text of texts) proposals.push(this.raft.propose(bytes(text), this.nowMs));
    });
    return proposals;
  }

  readIndex(...contexts: readonly number[]): Message[] {
    return this.turn(() => {
      for (const context of contexts) this.raft.readIndex(context, this.nowMs);
    });
  }

  /** One event, and all that follows from it on this node. */
  turn(input: () => void): Message[] {
    const before = this.sent.length;
    input();
    if (this.raft.timerIsDue(this.nowMs)) this.raft.proposeTimer(bytes("ring"), this.nowMs);
    this.settle();
    return this.sent.slice(before);
  }

  crash(): void {
    this.down = true;
  }

  restart(): void {
    this.down = false;
    this.losesPower = () => null;
    this.raft = this.create();
    this.settle();
  }

  /** Wins an election by the votes of all others. */
  lead(): this {
    const voters = this.raft.configuration.voters.filter((id) => id !== this.id);
    this.turn(() => this.raft.campaign(this.nowMs));
    const preVotes = this.options.preVote ? [true, false] : [false];
    for (const preVote of preVotes) {
      for (const from of voters) {
        const term = preVote ? this.raft.term + 1 : this.raft.term;
        this.receive(voteReply({ from, to: this.id, term, preVote }));
      }
    }
    if (this.raft.role !== "leader") throw new Error(`${this.id} was not elected`);
    return this;
  }

  /** Forgets the log up to an applied entry. */
  compactTo(index: number): void {
    this.raft.log.compactTo(index);
    this.disk.compactTo(index);
  }

  private create(): Raft {
    const raft = new Raft(this.id, this.options, this.disk.stored, this.disk, this.random, this.nowMs);
    if (this.timers) raft.awaitTimer(nextTimerMs(this.disk.applied));
    return raft;
  }

  private settle(): void {
    for (let turns = 0; !this.down; turns += 1) {
      const ready = this.raft.ready(this.nowMs);
      if (ready === null) break;
      if (turns === 10_000) throw new Error(`${this.id} is never done`);
      this.perform(ready);
    }
    if (this.timers) this.raft.awaitTimer(nextTimerMs(this.disk.applied));
  }

  private writes({ hardState, snapshot, entries, committed, quiescent }: Ready): boolean {
    return (hardState ?? snapshot ?? quiescent) !== null || entries.length + committed.length > 0;
  }

  private perform(ready: Ready): void {
    this.readies.push(ready);
    for (const message of ready.early) this.send(message);
    const crashPoint = this.writes(ready) ? this.losesPower() : null;
    if (crashPoint !== "before the write") this.disk.save(ready);
    if (crashPoint !== null) {
      this.crash();
      return;
    }
    for (const message of ready.messages) {
      if (message.type === "installSnapshot") {
        snapshotStates.set(message.snapshot, this.disk.applied.slice(0, message.snapshot.index));
      }
      this.send(message);
    }
    this.reads.push(...ready.reads);
  }
}

/** The next timer of a state machine that was given these entries; null when none waits. */
function nextTimerMs(applied: readonly Entry[]): number | null {
  const waiting = new Set<number>();
  for (const entry of applied) {
    const [word, timerMs] = textOf(entry).split(" ");
    if (word === "timer") waiting.add(Number(timerMs));
    else if (word === "ring") for (const each of waiting) if (each <= entry.timeMs) waiting.delete(each);
  }
  return waiting.size === 0 ? null : Math.min(...waiting);
}

/** The messages of one type. */
export function ofType<T extends Message["type"]>(
  messages: readonly Message[],
  type: T,
): Extract<Message, { readonly type: T }>[] {
  return messages.filter((message): message is Extract<Message, { readonly type: T }> => message.type === type);
}
