/** Client sessions: how long each lives, and which of its commands took effect. */

import type { Sql, SqlRow } from "../../machine.ts";
import type { Idempotency } from "../model.ts";
import { equalBytes } from "../../bytes/compare.ts";
import type { Recalled } from "./remembered.ts";

export interface SessionLimits {
  readonly sessions: number;
  /** How many of its latest commands each remembers. */
  readonly commands: number;
  /** How many bytes their results may take. */
  readonly bytes: number;
}

interface Session {
  readonly id: string;
  readonly ttlMs: number;
  usedMs: number;
  /** Null until the session is used on this node. */
  remembered: { commands: number; bytes: number } | null;
}

interface SessionRow extends SqlRow {
  id: string;
  ttl_ms: number;
  used_ms: number;
}

interface CommandRow extends SqlRow {
  fingerprint: ArrayBuffer;
  result: ArrayBuffer;
}

/** A use is written only when it is later than the one that is stored by this part of the session's time to live. */
const usePart = 8;
/** Commands are forgotten so many at a time, as finding the oldest takes a look at all. */
const forgottenAtOnce = 64;
/** How many sessions end with one timer command. */
const endedAtOnce = 16;

/**
 * A session lives for its time to live after its last use at least, and for an eighth of it longer at most: so a use is a row
 * written now and then. Its commands are remembered in the order of the log.
 */
export class Sessions {
  private readonly sql: Sql;
  private readonly limits: SessionLimits;
  private readonly sessions: Map<string, Session>;
  /** Undefined when it is to be looked for. */
  private earliest: number | null | undefined = undefined;

  constructor(sql: Sql, limits: SessionLimits) {
    this.sql = sql;
    this.limits = limits;
    const rows = sql.exec<SessionRow>("SELECT id, ttl_ms, used_ms FROM kv_sessions ORDER BY id").toArray();
    this.sessions = new Map(
      rows.map(({ id, ttl_ms: ttlMs, used_ms: usedMs }) => [id, { id, ttlMs, usedMs, remembered: null }]),
    );
  }

  /** False when there are too many already. */
  open(id: string, ttlMs: number, nowMs: number): boolean {
    if (this.sessions.size >= this.limits.sessions) return false;
    this.sql.exec("INSERT INTO kv_sessions (id, ttl_ms, used_ms) VALUES (?, ?, ?)", id, ttlMs, nowMs);
    this.sessions.set(id, { id, ttlMs, usedMs: nowMs, remembered: null });
    this.earliest = undefined;
    return true;
  }

  /** A command of the session has come. False when there is no such session, or its time is over. */
  use(id: string, nowMs: number): boolean {
    const session = this.sessions.get(id);
    if (session === undefined || nowMs >= expiryOf(session)) return false;
    if (nowMs - session.usedMs <= session.ttlMs / usePart) return true;
    if (expiryOf(session) === this.earliest) this.earliest = undefined;
    session.usedMs = nowMs;
    this.sql.exec("UPDATE kv_sessions SET used_ms = ? WHERE id = ?", nowMs, id);
    return true;
  }

  recall({ session, key, fingerprint }: Idempotency): Recalled {
    const statement = "SELECT fingerprint, result FROM kv_session_commands WHERE session = ? AND key = ?";
    const [row] = this.sql.exec<CommandRow>(statement, session, key).toArray();
    if (row === undefined) return undefined;
    return equalBytes(new Uint8Array(row.fingerprint), fingerprint) ? new Uint8Array(row.result) : "reused";
  }

  /** `index` is that of the command's entry in the log. */
  remember({ session: id, key, fingerprint }: Idempotency, index: number, result: Uint8Array): void {
    const remembered = this.rememberedOf(id);
    this.sql.exec(
      "INSERT INTO kv_session_commands (session, key, sequence, fingerprint, result) VALUES (?, ?, ?, ?, ?)",
      id,
      key,
      index,
      fingerprint,
      result,
    );
    remembered.commands += 1;
    remembered.bytes += result.length;
    const { commands, bytes } = this.limits;
    if (remembered.commands >= commands + forgottenAtOnce || remembered.bytes > bytes) this.forgetOldest(id);
  }

  /** Ends sessions whose time is over, some of them if there are many. False when there were none. */
  expire(nowMs: number): boolean {
    const expired = [...this.sessions.values()].filter((session) => expiryOf(session) <= nowMs);
    expired.sort((one, other) => expiryOf(one) - expiryOf(other) || (one.id < other.id ? -1 : 1));
    for (const { id } of expired.slice(0, endedAtOnce)) {
      this.sql.exec("DELETE FROM kv_session_commands WHERE session = ?", id);
      this.sql.exec("DELETE FROM kv_sessions WHERE id = ?", id);
      this.sessions.delete(id);
    }
    if (expired.length > 0) this.earliest = undefined;
    return expired.length > 0;
  }

  /** When the first session's time is over; null when there is none. */
  get nextExpiryMs(): number | null {
    if (this.earliest === undefined) {
      this.earliest = null;
      for (const session of this.sessions.values()) {
        this.earliest = Math.min(this.earliest ?? Number.POSITIVE_INFINITY, expiryOf(session));
      }
    }
    return this.earliest;
  }

  /** The latest ones stay, as many as are allowed, and of their bytes half as many, for this is not to come again soon. */
  private forgetOldest(id: string): void {
    const statement = `SELECT sequence, length(result) AS bytes FROM kv_session_commands WHERE session = ?
      ORDER BY sequence DESC`;
    const rows = this.sql.exec<{ sequence: number; bytes: number }>(statement, id).toArray();
    const maxBytes = this.rememberedOf(id).bytes > this.limits.bytes ? this.limits.bytes / 2 : this.limits.bytes;
    let bytes = 0;
    const beyond = rows.findIndex((row, place) => {
      const fits = place === 0 || (place < this.limits.commands && bytes + row.bytes <= maxBytes);
      if (fits) bytes += row.bytes;
      return !fits;
    });
    const oldest = rows[beyond];
    if (oldest === undefined) return;
    const doomed = "DELETE FROM kv_session_commands WHERE session = ? AND sequence <= ?";
    this.sql.exec(doomed, id, oldest.sequence);
    Object.assign(this.rememberedOf(id), { commands: beyond, bytes });
  }

  private rememberedOf(id: string): { commands: number; bytes: number } {
    const session = this.sessions.get(id);
    if (session === undefined) throw new Error("a command is remembered for a session that does not exist");
    if (session.remembered === null) {
      const statement = `SELECT count(*) AS commands, ifnull(sum(length(result)), 0) AS bytes
        FROM kv_session_commands WHERE session = ?`;
      const [row] = this.sql.exec<{ commands: number; bytes: number }>(statement, id).toArray();
      session.remembered = { commands: row?.commands ?? 0, bytes: row?.bytes ?? 0 };
    }
    return session.remembered;
  }
}

function expiryOf({ usedMs, ttlMs }: Session): number {
  return usedMs + ttlMs + Math.ceil(ttlMs / usePart);
}
