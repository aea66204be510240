/** The leases, and which keys go with them. */

import type { Sql, SqlRow } from "../../machine.ts";
import { noLease } from "../model.ts";
import type { LeaseId } from "../model.ts";
import { bytesOf, textOf } from "./key-text.ts";
import type { KeyText } from "./key-text.ts";
import type { Meta } from "./schema.ts";

export interface Lease {
  readonly id: LeaseId;
  readonly ttlMs: number;
  readonly expiresAtMs: number;
  /** The one key that a put gave the lease to, and without which it does not last; null for a lease that was granted. */
  readonly ownKey: KeyText | null;
}

interface LeaseRow extends SqlRow {
  id: string;
  ttl_ms: number;
  expires_at_ms: number;
  own_key: ArrayBuffer | null;
}

/** A lease shorter than this is raised to it: its holder must be able to keep it alive. */
export const minTtlMs = 1000;

/** Ids that the store picks begin here: a number holds them exactly, and who chooses an id will hardly choose these. */
const firstPickedId = 2 ** 52;
/** How many keys are read at a time. */
const keySlice = 512;

const columns = "id, ttl_ms, expires_at_ms, own_key";

/**
 * A lease lives until it is revoked, or a timer command finds that its time is over: nothing else ends it, so that all nodes
 * agree. Keys of granted leases are rows of their own; that of a lease which belongs to one key is in the lease's row.
 */
export class Leases {
  private readonly sql: Sql;
  private readonly meta: Meta;
  /** Undefined when it is to be looked up. */
  private earliest: number | null | undefined = undefined;

  constructor(sql: Sql, meta: Meta) {
    this.sql = sql;
    this.meta = meta;
  }

  find(id: LeaseId): Lease | undefined {
    const [row] = this.sql.exec<LeaseRow>(`SELECT ${columns} FROM kv_leases WHERE id = ?`, id).toArray();
    return row && leaseOf(row);
  }

  /** Whether a put may attach a key to it. A lease that belongs to one key takes no other. */
  takes(id: LeaseId, key: KeyText): boolean {
    const lease = this.find(id);
    return lease !== undefined && (lease.ownKey === null || lease.ownKey === key);
  }

  /** The first id from a place in the sequence on that no lease has, and the next place. */
  pick(sequence: number): { readonly id: LeaseId; readonly sequence: number } {
    for (let next = sequence; ; next += 1) {
      const id = String(firstPickedId + next);
      if (this.find(id) === undefined) return { id, sequence: next + 1 };
    }
  }

  /** Grants a lease, or gives one to a key. */
  add(lease: Lease): void {
    const { id, ttlMs, expiresAtMs, ownKey } = lease;
    const key = ownKey === null ? null : bytesOf(ownKey);
    this.sql.exec(`INSERT INTO kv_leases (${columns}) VALUES (?, ?, ?, ?)`, id, ttlMs, expiresAtMs, key);
    if (ownKey === null) this.meta.leases += 1;
    if (typeof this.earliest === "number") this.earliest = Math.min(this.earliest, expiresAtMs);
    else if (this.earliest === null) this.earliest = expiresAtMs;
  }

  /** Its time begins anew. */
  renew(lease: Lease, nowMs: number): void {
    const expiresAtMs = nowMs + lease.ttlMs;
    if (expiresAtMs === lease.expiresAtMs) return;
    this.sql.exec("UPDATE kv_leases SET expires_at_ms = ? WHERE id = ?", expiresAtMs, lease.id);
    this.moved(lease);
  }

  /** Ends a lease, whose keys are gone. */
  remove(lease: Lease): void {
    this.sql.exec("DELETE FROM kv_leases WHERE id = ?", lease.id);
    if (lease.ownKey === null) {
      this.sql.exec("DELETE FROM kv_lease_keys WHERE lease = ?", lease.id);
      this.meta.leases -= 1;
    }
    this.moved(lease);
  }

  attach(id: LeaseId, key: KeyText): void {
    this.sql.exec("INSERT INTO kv_lease_keys (lease, key) VALUES (?, ?)", id, bytesOf(key));
  }

  /** A key leaves its lease, which ends if it belongs to that key. */
  detach(id: LeaseId, key: KeyText): void {
    if (id === noLease) return;
    const lease = this.find(id);
    if (lease === undefined) throw new Error("a key has a lease that does not exist");
    if (lease.ownKey === null) {
      this.sql.exec("DELETE FROM kv_lease_keys WHERE lease = ? AND key = ?", id, bytesOf(key));
    } else this.remove(lease);
  }

  /** The keys of a lease in their order. They may be deleted while they are read. */
  *keysOf({ id, ownKey }: Lease): Generator<KeyText, void> {
    if (ownKey !== null) yield ownKey;
    for (let after: KeyText | null = ownKey === null ? "" : null; after !== null;) {
      const slice = this.keysBehind(id, after);
      yield* slice;
      after = slice.length < keySlice ? null : (slice.at(-1) ?? null);
    }
  }

  /** Those whose time is over, the first to expire first. */
  expired(nowMs: number, limit: number): Lease[] {
    const statement = `SELECT ${columns} FROM kv_leases WHERE expires_at_ms <= ? ORDER BY expires_at_ms, id LIMIT ?`;
    return this.sql.exec<LeaseRow>(statement, nowMs, limit).toArray().map(leaseOf);
  }

  /** The ids of all leases that were granted. */
  ids(): LeaseId[] {
    const statement = "SELECT id FROM kv_leases WHERE own_key IS NULL ORDER BY id";
    return this.sql
      .exec<{ id: string }>(statement)
      .toArray()
      .map(({ id }) => id);
  }

  /** When the first lease expires; null when there is none. */
  get nextExpiryMs(): number | null {
    if (this.earliest === undefined) {
      const statement = "SELECT expires_at_ms FROM kv_leases ORDER BY expires_at_ms LIMIT 1";
      this.earliest = this.sql.exec<{ expires_at_ms: number }>(statement).toArray()[0]?.expires_at_ms ?? null;
    }
    return this.earliest;
  }

  private keysBehind(id: LeaseId, after: KeyText): KeyText[] {
    const statement = "SELECT key FROM kv_lease_keys WHERE lease = ? AND key > ? ORDER BY key LIMIT ?";
    const rows = this.sql.exec<{ key: ArrayBuffer }>(statement, id, bytesOf(after), keySlice);
    return rows.toArray().map(({ key }) => textOf(key));
  }

  private moved({ expiresAtMs }: Lease): void {
    if (expiresAtMs === this.earliest) this.earliest = undefined;
  }
}

function leaseOf({ id, ttl_ms: ttlMs, expires_at_ms: expiresAtMs, own_key: ownKey }: LeaseRow): Lease {
  return { id, ttlMs, expiresAtMs, ownKey: ownKey === null ? null : textOf(ownKey) };
}
