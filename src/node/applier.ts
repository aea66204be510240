/** What is committed is applied to the state machine, at once or with the next writes, and callers learn what came of it. */

import { equalBytes } from "../bytes/compare.ts";
import type { CommittedCommand, StateMachine } from "../machine.ts";
import { assert } from "../raft/assert.ts";
import type { Entry } from "../raft/entry.ts";
import type { Raft } from "../raft/raft.ts";
import type { Ready } from "../raft/ready.ts";
import { ApplyDelays } from "./apply-delays.ts";
import type { DriverHost } from "./driver-host.ts";
import type { StateTimer } from "./state-timer.ts";
import type { Waiters } from "./waiters.ts";

/** A committed command, and the result that it will have. */
interface Foretold {
  readonly entry: Entry;
  readonly result: Uint8Array;
}

/** The results of commands, by their indexes. */
export type Results = ReadonlyMap<number, Uint8Array>;

const noResult = new Uint8Array(0);
/** A foretold command waits so long at most for other writes. */
const foretoldForMs = 5;

export class Applier {
  machine: StateMachine;
  /** Commands were applied, or a state installed, since subscribers were told. */
  news = false;
  private readonly host: DriverHost;
  private readonly raft: Raft;
  private readonly waiters: Waiters;
  private readonly timer: StateTimer;
  private readonly delays = new ApplyDelays();
  private foretold: Foretold | null = null;

  constructor(host: DriverHost, raft: Raft, waiters: Waiters, timer: StateTimer) {
    this.host = host;
    this.machine = host.machine;
    this.raft = raft;
    this.waiters = waiters;
    this.timer = timer;
  }

  /** Whether a command is yet to be applied whose caller has its result. */
  get isBehind(): boolean {
    return this.foretold !== null;
  }

  /** Entries are being stored. */
  saved(entries: readonly Entry[], nowMs: number): void {
    this.delays.saved(entries, nowMs);
  }

  /**
   * A command that was committed alone, by a turn that has nothing to write, is answered before it is applied, so that its
   * caller does not wait for the disk once more: it is stored by a majority, and is applied again after a crash as every
   * committed command is. Whatever looks at the state has it applied first, and so does whatever is written next.
   *
   * @returns whether that is so, and nothing else is to be done
   */
  foretell(ready: Ready, nowMs: number): boolean {
    const entry = ready.committed[0];
    const isAlone = ready.committed.length === 1 && saysOnly({ ...ready, committed: [] });
    if (entry?.kind !== "command" || !isAlone || this.isBehind) return false;
    if (!this.waiters.awaits(entry.index, entry.term)) return false;
    const result = this.machine.foresee?.(commandOf(entry)) ?? null;
    if (result === null) return false;
    this.foretold = { entry, result };
    this.settle(entry, result, nowMs);
    this.host.scheduleFlush(foretoldForMs);
    return true;
  }

  /** Applies what was foretold. */
  fulfil(nowMs: number): void {
    if (this.foretold === null) return;
    const { entry, result } = this.foretold;
    this.foretold = null;
    const { storage } = this.host;
    const results = storage.transaction(() => {
      const applied = this.apply([entry]);
      storage.saveAppliedIndex(entry.index);
      return applied;
    });
    assert(equalBytes(results.get(entry.index) ?? noResult, result), "a command's result is not what was foreseen");
    this.observe(entry, nowMs);
    // The core may count later entries as applied that this turn has yet to write.
    this.changed(entry.index, nowMs);
  }

  /** Gives committed commands to the state machine. To be called in a transaction, which saves the applied index, too. */
  apply(committed: readonly Entry[]): Results {
    const commands = committed.filter((entry) => entry.kind === "command").map(commandOf);
    const results = commands.length === 0 ? [] : this.machine.apply(commands);
    assert(results.length === commands.length, "the state machine must answer every command");
    return new Map(commands.map(({ index }, position) => [index, results[position] ?? noResult]));
  }

  /** Tells callers what came of their commands. */
  applied(committed: readonly Entry[], results: Results, nowMs: number): void {
    for (const entry of committed) {
      this.settle(entry, results.get(entry.index) ?? noResult, nowMs);
      this.observe(entry, nowMs);
    }
  }

  /** Commands up to this index were applied, or a state installed that includes them. */
  changed(appliedIndex: number, nowMs: number): void {
    this.news = true;
    this.timer.changed();
    this.waiters.reached(appliedIndex, (query) => this.answer(query, nowMs));
  }

  /** Answers a read from the state as it is. */
  answer(query: Uint8Array | null, nowMs: number): Uint8Array {
    return query === null ? noResult : this.machine.query(query, this.raft.clusterTime.read(nowMs));
  }

  private settle({ index, term }: Entry, result: Uint8Array, nowMs: number): void {
    const proposedAtMs = this.waiters.applied(index, term, result);
    if (proposedAtMs !== null) this.host.observer.committed(nowMs - proposedAtMs);
  }

  private observe({ index }: Entry, nowMs: number): void {
    const delayMs = this.delays.applied(index, nowMs);
    if (delayMs !== null) this.host.observer.applied(delayMs);
  }
}

/** Whether a turn has messages to send at most, and neither writes nor looks at the state. */
export function saysOnly(ready: Ready): boolean {
  const { hardState, snapshot, configuration, quiescent } = ready;
  const changesNothing = hardState === null && snapshot === null && configuration === null && quiescent === null;
  const looks = ready.reads.length > 0 || ready.messages.some(({ type }) => type === "installSnapshot");
  return changesNothing && ready.entries.length === 0 && ready.committed.length === 0 && !looks;
}

function commandOf({ index, term, timeMs, data }: Entry): CommittedCommand {
  return { index, term, timeMs, command: data };
}
