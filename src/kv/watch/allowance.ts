/** How much work of one kind a turn still allows. */

export class Allowance {
  private rows: number;
  private bytes: number;
  private outer: Allowance | null = null;

  constructor(rows: number, bytes: number) {
    this.rows = rows;
    this.bytes = bytes;
  }

  /** What is spent of this one is spent of the other too. */
  within(outer: Allowance): this {
    this.outer = outer;
    return this;
  }

  get isSpent(): boolean {
    return this.rows <= 0 || this.bytes <= 0 || this.outer?.isSpent === true;
  }

  spend(rows: number, bytes: number): void {
    this.rows -= rows;
    this.bytes -= bytes;
    this.outer?.spend(rows, bytes);
  }
}
