/** The commands with an idempotency key that took effect outside sessions, and how each was answered. */

import type { Sql, SqlRow } from "../../machine.ts";
import { idempotencyWindowMs } from "../limits.ts";
import type { Idempotency } from "../model.ts";
import { equalBytes } from "../../bytes/compare.ts";
import type { Meta } from "./schema.ts";

interface RememberedRow extends SqlRow {
  time_ms: number;
  fingerprint: ArrayBuffer;
  result: ArrayBuffer;
}

/** What is known of a command that was sent before: its result, or that the key was another command's. */
export type Recalled = Uint8Array | "reused" | undefined;

export interface RememberedLimits {
  /** How many commands are remembered. */
  readonly commands: number;
  /** How many bytes their results may take. */
  readonly bytes: number;
}

/**
 * A ring of slots, in the order in which commands took effect: a new one overwrites the oldest, so that the table is bounded, a
 * command's work too, and hardly anything is ever deleted (deletes are billed). One whose window has passed counts as
 * forgotten wherever its row still lies.
 */
export class Remembered {
  private readonly sql: Sql;
  private readonly meta: Meta;
  private readonly limits: RememberedLimits;

  constructor(sql: Sql, meta: Meta, limits: RememberedLimits) {
    this.sql = sql;
    this.meta = meta;
    this.limits = limits;
  }

  recall(idempotency: Idempotency, nowMs: number): Recalled {
    const statement = "SELECT time_ms, fingerprint, result FROM kv_remembered WHERE key = ?";
    const [row] = this.sql.exec<RememberedRow>(statement, idempotency.key).toArray();
    if (row === undefined || nowMs - row.time_ms >= idempotencyWindowMs) return undefined;
    return equalBytes(new Uint8Array(row.fingerprint), idempotency.fingerprint) ? new Uint8Array(row.result) : "reused";
  }

  remember({ key, fingerprint }: Idempotency, nowMs: number, result: Uint8Array): void {
    const { sql, meta, limits } = this;
    const slot = meta.remembered % limits.commands;
    // The slot's row, and one of this key whose window has passed, give way.
    meta.rememberedBytes += result.length - this.bytesOf("slot = ? OR key = ?", slot, key);
    sql.exec(
      "INSERT OR REPLACE INTO kv_remembered (slot, key, time_ms, fingerprint, result) VALUES (?, ?, ?, ?, ?)",
      slot,
      key,
      nowMs,
      fingerprint,
      result,
    );
    meta.remembered += 1;
    meta.rememberedFrom = Math.max(meta.rememberedFrom, meta.remembered - limits.commands);
    while (meta.rememberedBytes > limits.bytes && meta.rememberedFrom < meta.remembered - 1) this.forgetOldest();
  }

  private forgetOldest(): void {
    const { sql, meta, limits } = this;
    const slot = meta.rememberedFrom % limits.commands;
    meta.rememberedBytes -= this.bytesOf("slot = ?", slot);
    sql.exec("DELETE FROM kv_remembered WHERE slot = ?", slot);
    meta.rememberedFrom += 1;
  }

  private bytesOf(condition: string, ...bindings: (number | string)[]): number {
    const statement = `SELECT ifnull(sum(length(result)), 0) AS bytes FROM kv_remembered WHERE ${condition}`;
    return this.sql.exec<{ bytes: number }>(statement, ...bindings).toArray()[0]?.bytes ?? 0;
  }
}
