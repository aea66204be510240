/** The output gate of a Durable Object: nothing leaves before all that was written earlier is durable. */

interface Held {
  /** How many transactions must be durable before it may go. */
  readonly after: number;
  readonly release: () => void;
}

export interface OutputGate {
  /** Something leaves the node: at once, or when all that was written so far is durable, or never. */
  output(release: () => void): void;
  /** Something becomes true with the last transaction, whether or not anybody hears of it. */
  fact(becomesTrue: () => void): void;
}

export class DurabilityGate implements OutputGate {
  private written = 0;
  private durable = 0;
  private readonly outputs: Held[] = [];
  private readonly facts: Held[] = [];
  /** How many more outputs leave: those of a crash that comes in between. */
  private leaving = Number.POSITIVE_INFINITY;

  /** A transaction has been made. */
  wrote(): void {
    this.written += 1;
  }

  /** The oldest transaction that was not durable is durable now. */
  flushed(): void {
    this.durable += 1;
    this.releaseFrom(this.facts);
    this.leaving -= this.releaseFrom(this.outputs, this.leaving);
  }

  output(release: () => void): void {
    if (this.durable === this.written) release();
    else this.outputs.push({ after: this.written, release });
  }

  fact(becomesTrue: () => void): void {
    if (this.durable === this.written) becomesTrue();
    else this.facts.push({ after: this.written, release: becomesTrue });
  }

  /** How many outputs wait for a write. */
  get waiting(): number {
    return this.outputs.length;
  }

  /** The node crashes: what is still flushed from now on becomes true, but only some of what that allows leaves any more. */
  close(leaving = 0): void {
    this.leaving = leaving;
  }

  private releaseFrom(held: Held[], most = Number.POSITIVE_INFINITY): number {
    let count = 0;
    while (count < Math.min(held.length, most) && (held[count] as Held).after <= this.durable) count += 1;
    for (const { release } of held.splice(0, count)) release();
    return count;
  }
}
