/** A state machine that sums up all that it has applied: equal sums mean equal commands, order and results. */

import type { CommittedCommand, Sink, StateMachine, Subscription } from "../../../src/machine.ts";
import type { AppliedCommand } from "../disk/write-record.ts";

export interface MachineListener {
  applied(command: AppliedCommand): void;
  /** The state is about to be looked at. */
  queried(): void;
  /** A result is told before the command is applied. */
  foreseen(): void;
}

export class DigestMachine implements StateMachine {
  readonly foresee?: (command: CommittedCommand) => Uint8Array | null;
  readonly nextTimerMs?: () => number | null;
  readonly timerCommand?: () => Uint8Array;
  readonly subscribe?: (request: Uint8Array, sink: Sink) => Subscription;
  readonly publish?: () => void;
  readonly owesMessages?: () => boolean;
  private readonly inner: StateMachine;
  private readonly listener: MachineListener;
  private digest: number;

  /** @param digest the sum of all that was applied before this node started */
  constructor(inner: StateMachine, digest: number, listener: MachineListener) {
    this.inner = inner;
    this.digest = digest;
    this.listener = listener;
    // What a machine lacks, this one must lack, too.
    if (inner.foresee !== undefined) this.foresee = (command) => this.lookAhead(command);
    if (inner.nextTimerMs !== undefined) this.nextTimerMs = () => inner.nextTimerMs?.() ?? null;
    if (inner.timerCommand !== undefined) this.timerCommand = this.reading(inner.timerCommand.bind(inner));
    if (inner.subscribe !== undefined) this.subscribe = this.reading(inner.subscribe.bind(inner));
    if (inner.publish !== undefined) this.publish = this.reading(inner.publish.bind(inner));
    if (inner.owesMessages !== undefined) this.owesMessages = this.reading(inner.owesMessages.bind(inner));
  }

  get tables(): readonly string[] {
    return this.inner.tables;
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    const results = this.inner.apply(commands);
    for (const [position, { index, timeMs, command }] of commands.entries()) {
      this.digest = addNumber(addNumber(this.digest, index), timeMs);
      const result = results[position] ?? new Uint8Array(0);
      this.digest = addBytes(addBytes(this.digest, command), result);
      this.listener.applied({ index, digest: this.digest, result });
    }
    return results;
  }

  /** What looks at the tables finds none where the storage is another's by now. */
  private reading<Inputs extends readonly unknown[], Result>(
    look: (...inputs: Inputs) => Result,
  ): (...inputs: Inputs) => Result {
    return (...inputs) => {
      this.listener.queried();
      return look(...inputs);
    };
  }

  private lookAhead(command: CommittedCommand): Uint8Array | null {
    this.listener.queried();
    const result = this.inner.foresee?.(command) ?? null;
    if (result !== null) this.listener.foreseen();
    return result;
  }

  query(query: Uint8Array, timeMs: number): Uint8Array {
    this.listener.queried();
    return this.inner.query(query, timeMs);
  }
}

function addNumber(digest: number, value: number): number {
  return Math.imul(digest ^ (value >>> 0), 0x0100_0193) >>> 0;
}

/** The Fowler-Noll-Vo hash, 32 bits. */
function addBytes(digest: number, bytes: Uint8Array): number {
  let hash = addNumber(digest, bytes.length);
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}
