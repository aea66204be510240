/** What the reference expects of each command of a generated log. */

import type { Command, CommandResult } from "../../../src/kv/model.ts";
import type { LogStep } from "./arbitraries.ts";
import type { Timed } from "./store-over.ts";
import { ReferenceStore } from "./reference.ts";

/** So few that the generated logs overflow them. */
const limits = { idempotencyKeys: 3, sessions: 2 };

export interface Applied extends Timed {
  readonly expected: CommandResult;
  /** Why it could also have been refused, when it was for one reason of several. */
  readonly reasons: ReadonlySet<string>;
}

/** Has the reference apply a log, step by step: the commands with their expected results. */
export class Expectations {
  readonly limits = limits;
  readonly reference = new ReferenceStore(limits);
  private timeMs = 1_700_000_000_000;
  private index = 0;

  next({ body, idempotency, passedMs }: LogStep): Applied {
    this.timeMs += passedMs;
    this.index += 1;
    const session = idempotency && sessionOf(idempotency.session, this.reference);
    const command: Command = { body, idempotency: idempotency && { ...idempotency, session: session ?? "" } };
    const expected = this.reference.apply(command, this.index, this.timeMs);
    return { command, timeMs: this.timeMs, expected, reasons: this.reference.possibleReasons };
  }
}

/** One of the open sessions; without any, none, or one that nobody knows. */
function sessionOf(place: number, { sessionIds }: ReferenceStore): string {
  if (place < 0) return "";
  return sessionIds[place] ?? (place === 0 ? "" : "unknown");
}
