/** Every write that a client ever tried, and what is known to have become of it. */

import type { Write, WriteResult } from "../store/language.ts";
import { StoreModel } from "../store/store-model.ts";
import { demand } from "./violation.ts";

interface Attempt {
  readonly write: Write;
  committedIndex: number | null;
  /** What the store answers to it. */
  result: WriteResult | null;
  /** A client was told that it has not taken effect and never will. */
  denied: boolean;
}

export class Attempts {
  readonly model = new StoreModel();
  private readonly attempts = new Map<string, Attempt>();
  acknowledged = 0;

  begin(write: Write): void {
    this.attempts.set(write.name, { write, committedIndex: null, result: null, denied: false });
  }

  committed(name: string, index: number): void {
    const attempt = this.find(name);
    const { committedIndex, denied } = attempt;
    demand(committedIndex === null, "exactly once", () => `${name} is committed at ${committedIndex} and ${index}`);
    demand(!denied, "exactly once", () => `${name} is committed at ${index}; its client was told that it can't be`);
    attempt.committedIndex = index;
    attempt.result = this.model.apply(attempt.write, index);
  }

  /** The client is told that its write was committed at `index`, with this result. */
  acknowledge(name: string, index: number, result: WriteResult): void {
    const { committedIndex, result: expected } = this.find(name);
    demand(
      committedIndex === index,
      "exactly once",
      () => `${name} is acknowledged at ${index} and committed ${committedIndex ?? "nowhere"}`,
    );
    demand(
      expected?.written === result.written && expected.revision === result.revision,
      "exactly once",
      () => `${name} is answered ${JSON.stringify(result)} instead of ${JSON.stringify(expected)}`,
    );
    this.acknowledged += 1;
  }

  /** The client is told that its write has not taken effect and never will. */
  deny(name: string, reason: string): void {
    const attempt = this.find(name);
    const { committedIndex } = attempt;
    demand(
      committedIndex === null,
      "exactly once",
      () => `${name}, committed at ${committedIndex}, is denied: ${reason}`,
    );
    attempt.denied = true;
  }

  private find(name: string): Attempt {
    const attempt = this.attempts.get(name);
    demand(attempt !== undefined, "exactly once", () => `nobody ever wrote ${name}`);
    return attempt;
  }
}
