/** A state machine that sums up all that it has applied: equal sums mean equal commands, order and results. */

import type { CommittedCommand, StateMachine } from "../../../src/machine.ts";
import type { AppliedCommand } from "../disk/write-record.ts";

export interface MachineListener {
  applied(command: AppliedCommand): void;
  /** A read is about to be answered. */
  queried(): void;
}

export class DigestMachine implements StateMachine {
  private readonly inner: StateMachine;
  private readonly listener: MachineListener;
  private digest: number;

  /** @param digest the sum of all that was applied before this node started */
  constructor(inner: StateMachine, digest: number, listener: MachineListener) {
    this.inner = inner;
    this.digest = digest;
    this.listener = listener;
  }

  get tables(): readonly string[] {
    return this.inner.tables;
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    const results = this.inner.apply(commands);
    for (const [position, { index, timeMs, command }] of commands.entries()) {
      this.digest = addNumber(addNumber(this.digest, index), timeMs);
      this.digest = addBytes(addBytes(this.digest, command), results[position] ?? new Uint8Array(0));
      this.listener.applied({ index, digest: this.digest });
    }
    return results;
  }

  query(query: Uint8Array): Uint8Array {
    this.listener.queried();
    return this.inner.query(query);
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
