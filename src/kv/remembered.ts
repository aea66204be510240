/** The commands with an idempotency key that took effect, and how each was answered. */

import type { Sql, SqlRow } from "../machine.ts";
import type { Idempotency } from "./command.ts";
import { idempotencyWindowMs } from "./limits.ts";

interface RememberedRow extends SqlRow {
  time_ms: number;
  fingerprint: ArrayBuffer;
  result: ArrayBuffer;
}

/**
 * A ring of slots, in the order in which commands took effect: a new one overwrites the oldest, so that the table is
 * bounded, a command's work too, and nothing is ever deleted (deletes are billed). One whose window has passed counts as
 * forgotten wherever its row still lies.
 */
export class Remembered {
  private readonly sql: Sql;
  private readonly slots: number;

  constructor(sql: Sql, slots: number) {
    this.sql = sql;
    this.slots = slots;
  }

  /** The first result of the command with this idempotency key, or that another request used it. */
  recall(idempotency: Idempotency, nowMs: number): Uint8Array | "reused" | undefined {
    const statement = "SELECT time_ms, fingerprint, result FROM kv_remembered WHERE key = ?";
    const [row] = this.sql.exec<RememberedRow>(statement, idempotency.key).toArray();
    if (row === undefined || nowMs - row.time_ms >= idempotencyWindowMs) return undefined;
    return equalBytes(new Uint8Array(row.fingerprint), idempotency.fingerprint) ? new Uint8Array(row.result) : "reused";
  }

  /** `sequence` counts the commands remembered before. A row of this key whose window has passed gives way. */
  remember(sequence: number, idempotency: Idempotency, nowMs: number, result: Uint8Array): void {
    this.sql.exec(
      "INSERT OR REPLACE INTO kv_remembered (slot, key, time_ms, fingerprint, result) VALUES (?, ?, ?, ?, ?)",
      sequence % this.slots,
      idempotency.key,
      nowMs,
      idempotency.fingerprint,
      result,
    );
  }
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, position) => byte === right[position]);
}
