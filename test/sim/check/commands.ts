/** What was ever asked of the key-value store, by its bytes, and how often that can have been committed. */

import { text } from "../../kv/store/requests.ts";
import { demand } from "./violation.ts";

interface Asked {
  begun: number;
  denied: number;
  committed: number;
}

export class Commands {
  acknowledged = 0;
  private readonly asked = new Map<string, Asked>();
  /** The bytes that were committed, by index. */
  private readonly committedAt = new Map<number, string>();
  private readonly acknowledgedAt = new Set<number>();

  begin(command: Uint8Array): void {
    const bytes = text(command);
    const asked = this.asked.get(bytes);
    if (asked === undefined) this.asked.set(bytes, { begun: 1, denied: 0, committed: 0 });
    else asked.begun += 1;
  }

  /**
   * False for a command that no client can have asked for, or not so often.
   *
   * @param mayBeOwn leaders make such commands, too, so that nobody knows how many of them are a client's
   */
  committed(command: Uint8Array, index: number, mayBeOwn: boolean): boolean {
    const bytes = text(command);
    this.committedAt.set(index, bytes);
    if (mayBeOwn) return true;
    const asked = this.asked.get(bytes);
    if (asked === undefined || asked.committed + asked.denied >= asked.begun) return false;
    asked.committed += 1;
    return true;
  }

  /** Whether any client has asked for this. */
  wasBegun(command: Uint8Array): boolean {
    return this.asked.has(text(command));
  }

  /** A client is told that its command was committed at `index`. */
  acknowledge(command: Uint8Array, index: number): void {
    const isThere = this.committedAt.get(index) === text(command);
    demand(isThere, "exactly once", () => `a command is acknowledged at ${index}, where it is not`);
    demand(!this.acknowledgedAt.has(index), "exactly once", () => `two commands are acknowledged at ${index}`);
    this.acknowledgedAt.add(index);
    this.acknowledged += 1;
  }

  /** A client is told that its command has not taken effect and never will. */
  deny(command: Uint8Array, reason: string): void {
    const asked = this.asked.get(text(command));
    if (asked === undefined) throw new Error("nobody has asked for this");
    asked.denied += 1;
    demand(
      asked.committed + asked.denied <= asked.begun,
      "exactly once",
      () => `a command that is committed is denied: ${reason}`,
    );
  }
}
