/** Named values with transactions, and a durable copy that lags behind. */

export type Cell = string | number;

interface Change {
  readonly name: string;
  readonly before: Cell | undefined;
  readonly after: Cell;
}

export class Cells {
  private live = new Map<string, Cell>();
  private readonly durable = new Map<string, Cell>();
  private readonly unflushed: Change[][] = [];
  private changes: Change[] | null = null;

  /** Whether anything is durable. */
  get exist(): boolean {
    return this.durable.size > 0;
  }

  get(name: string): Cell | undefined {
    return this.live.get(name);
  }

  entries(): Iterable<readonly [string, Cell]> {
    return this.live;
  }

  set(name: string, after: Cell): void {
    if (this.changes === null) throw new Error("cells are written in transactions only");
    this.changes.push({ name, before: this.live.get(name), after });
    this.live.set(name, after);
  }

  /** All of the work's changes or, if it throws, none of them. */
  transaction<Result>(work: () => Result): Result {
    const changes: Change[] = [];
    this.changes = changes;
    try {
      const result = work();
      this.unflushed.push(changes);
      return result;
    } catch (error) {
      for (const { name, before } of changes.toReversed()) {
        if (before === undefined) this.live.delete(name);
        else this.live.set(name, before);
      }
      throw error;
    } finally {
      this.changes = null;
    }
  }

  flushed(): void {
    for (const { name, after } of this.unflushed.shift() ?? []) this.durable.set(name, after);
  }

  crash(): void {
    if (this.unflushed.length === 0) return;
    this.unflushed.length = 0;
    this.live = new Map(this.durable);
  }
}
