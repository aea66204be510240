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
  private open = true;

  /** A transaction has been made. */
  wrote(): void {
    this.written += 1;
  }

  /** The oldest transaction that was not durable is durable now. */
  flushed(): void {
    this.durable += 1;
    this.releaseFrom(this.facts);
    if (this.open) this.releaseFrom(this.outputs);
  }

  output(release: () => void): void {
    if (this.durable === this.written) release();
    else this.outputs.push({ after: this.written, release });
  }

  fact(becomesTrue: () => void): void {
    if (this.durable === this.written) becomesTrue();
    else this.facts.push({ after: this.written, release: becomesTrue });
  }

  /** The node has crashed: what is still flushed from now on becomes true, but nothing leaves any more. */
  close(): void {
    this.open = false;
  }

  private releaseFrom(held: Held[]): void {
    let count = 0;
    while (count < held.length && (held[count] as Held).after <= this.durable) count += 1;
    for (const { release } of held.splice(0, count)) release();
  }
}
