/** Chance that one number decides: the same seed gives the same draws on every machine. */

/** The generator sfc32 (Chris Doty-Humphrey, PractRand): small, fast, and of a period that no run exhausts. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number, stream = "") {
    let state = Math.imul(seed >>> 0, 0x9e37_79b1) ^ Math.floor(seed / 0x1_0000_0000);
    for (let position = 0; position < stream.length; position += 1) {
      state = mix(state ^ Math.imul(stream.charCodeAt(position) + 1, 0x85eb_ca6b));
    }
    this.a = mix(state + 1);
    this.b = mix(state + 2);
    this.c = mix(state + 3);
    for (let warmUp = 0; warmUp < 12; warmUp += 1) this.bits();
  }

  /** From 0 (included) to 1 (excluded). */
  next(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** A number from `least` to `most`, evenly. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** Waiting times of events that happen independently of one another. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** A new array with the same items in any order. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] as Item, shuffled[last] as Item];
    }
    return shuffled;
  }

  private bits(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }
}

/** Spreads neighbouring numbers over all 32 bits (the finalizer of MurmurHash3). */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
