/** A second key-value store, plain enough to be right at sight: the model of etcd's semantics that the store is held to. */

import type {
  Command,
  CommandResult,
  Compare,
  Item,
  KeySpan,
  ListQuery,
  Operation,
  OperationResult,
  Query,
  QueryAnswer,
  RangeOperation,
  RangeResult,
  Refusal,
  TxnOperation,
  TxnResult,
  WatchEvent,
  WatchRequest,
} from "../../../src/kv/model.ts";
import { fromHex, toHex as hex } from "../../node/hex.ts";
import { bytes, text } from "./requests.ts";

type Reason = Refusal["reason"];

/** A key as text in hexadecimal digits: the order of the texts is that of the bytes. */
type Key = string;

interface Stored extends Omit<Item, "value"> {
  readonly value: Uint8Array;
}

interface LeaseRecord {
  readonly ttlMs: number;
  expiresAtMs: number;
  readonly ownKey: Key | null;
}

interface SessionRecord {
  readonly ttlMs: number;
  usedMs: number;
  readonly commands: Map<string, { readonly fingerprint: string; readonly result: CommandResult }>;
}

/** The keys and leases that a command works on: a copy, that takes the place of the original when the command succeeds. */
interface State {
  items: Map<Key, Stored>;
  leases: Map<string, LeaseRecord>;
  leaseSequence: number;
}

/** A key that changed at a revision: null for one that was deleted. */
interface Change {
  readonly revision: number;
  readonly key: Key;
  readonly item: Stored | null;
  readonly previous: Stored | null;
}

class RefusedError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason);
    this.reason = reason;
  }
}

export interface ReferenceLimits {
  readonly idempotencyKeys: number;
  readonly sessions: number;
}

export class ReferenceStore {
  revision = 1;
  compactRevision = 0;
  /** The reason of the last refusal could also have been one of these. */
  possibleReasons: ReadonlySet<Reason> = new Set();
  private state: State = { items: new Map(), leases: new Map(), leaseSequence: 0 };
  /** What was there at each revision. */
  private past = new Map<number, ReadonlyMap<Key, Stored>>([[1, new Map()]]);
  private readonly changes: Change[] = [];
  private readonly remembered: { key: string; fingerprint: string; timeMs: number; result: CommandResult }[] = [];
  private readonly sessions = new Map<string, SessionRecord>();
  private newestMs = 0;
  private readonly limits: ReferenceLimits;

  constructor(limits: ReferenceLimits) {
    this.limits = limits;
  }

  get leaseIds(): string[] {
    return [...this.state.leases.keys()];
  }

  get sessionIds(): string[] {
    return [...this.sessions.keys()];
  }

  apply({ body, idempotency }: Command, index: number, timeMs: number): CommandResult {
    this.newestMs = timeMs;
    if (idempotency === null) return this.execute(body, index, timeMs).result;
    const fingerprint = hex(idempotency.fingerprint);
    const session = this.sessions.get(idempotency.session);
    if (idempotency.session !== "") {
      if (session === undefined || timeMs >= expiry(session)) return this.refuse("session_expired");
      if (timeMs - session.usedMs > session.ttlMs / 8) session.usedMs = timeMs;
    }
    const first =
      session === undefined
        ? this.remembered
            .slice(-this.limits.idempotencyKeys)
            .findLast((entry) => entry.key === idempotency.key && timeMs - entry.timeMs < 24 * 3_600_000)
        : session.commands.get(idempotency.key);
    if (first !== undefined) {
      return first.fingerprint === fingerprint ? first.result : this.refuse("idempotency_key_reused");
    }
    const { result, changed } = this.execute(body, index, timeMs);
    if (changed) {
      if (session === undefined) this.remembered.push({ key: idempotency.key, fingerprint, timeMs, result });
      else session.commands.set(idempotency.key, { fingerprint, result });
    }
    return result;
  }

  answer(query: Query): QueryAnswer {
    const { revision } = this;
    try {
      switch (query.kind) {
        case "range":
          return { status: "range", revision, range: this.range(query, this.itemsAt(query.revision)) };
        case "list":
          return { status: "list", revision, ...this.list(query) };
        case "getMany": {
          const found = query.keys.map((key) => this.state.items.get(hex(key)));
          return {
            status: "many",
            revision,
            items: found.map((item) => (item === undefined ? null : shown(item, query.withValues))),
          };
        }
        case "leases": {
          const granted = [...this.state.leases].filter(([, { ownKey }]) => ownKey === null).map(([id]) => id);
          return { status: "leases", revision, ids: granted.sort() };
        }
        case "lease": {
          const lease = this.state.leases.get(query.id);
          if (lease === undefined) return { status: "lease", revision, lease: null, keys: [] };
          const remainingMs = Math.max(0, lease.expiresAtMs - this.newestMs);
          const keys = query.withKeys ? this.keysOfLease(this.state, query.id).map(fromHex) : [];
          return { status: "lease", revision, lease: { id: query.id, grantedTtlMs: lease.ttlMs, remainingMs }, keys };
        }
        case "status":
        case "hash":
          throw new Error("not a question for the reference");
      }
    } catch (error) {
      if (error instanceof RefusedError) return this.refuse(error.reason);
      throw error;
    }
  }

  /** The store as it is now, to be asked later. It shares what is only ever added to. */
  frozen(): ReferenceStore {
    const copy = new ReferenceStore(this.limits);
    copy.revision = this.revision;
    copy.compactRevision = this.compactRevision;
    copy.newestMs = this.newestMs;
    copy.past = this.past;
    const leases = [...this.state.leases].map(([id, lease]) => [id, { ...lease }] as const);
    copy.state = { ...this.state, leases: new Map(leases) };
    return copy;
  }

  /** How many changes of keys there were. */
  get rows(): number {
    return this.changes.length;
  }

  /** When the first lease or session ends; infinite when there is none. */
  get nextTimerMs(): number {
    const leases = [...this.state.leases.values()].map(({ expiresAtMs }) => expiresAtMs);
    return Math.min(...leases, ...[...this.sessions.values()].map(expiry));
  }

  get status(): { keys: number; leases: number } {
    const leases = [...this.state.leases.values()].filter(({ ownKey }) => ownKey === null).length;
    return { keys: this.state.items.size, leases };
  }

  /** What a watch is told of from a revision on. */
  events({ noPut, noDelete, withPrevious, ...span }: WatchRequest, from: number): WatchEvent[] {
    return this.changes
      .filter(({ revision }) => revision >= from)
      .filter(({ key }) => within(key, span))
      .filter(({ item }) => (item === null ? !noDelete : !noPut))
      .map(({ key, revision, item, previous }) => ({
        type: item === null ? ("delete" as const) : ("put" as const),
        item: item === null ? deleted(key, revision) : shown(item, true),
        previous: withPrevious && previous !== null ? shown(previous, true) : null,
      }));
  }

  private execute(body: Command["body"], index: number, timeMs: number): { result: CommandResult; changed: boolean } {
    this.possibleReasons = new Set();
    const draft: State = {
      items: new Map(this.state.items),
      leases: new Map([...this.state.leases].map(([id, lease]) => [id, { ...lease }])),
      leaseSequence: this.state.leaseSequence,
    };
    try {
      return this.perform(body, draft, index, timeMs);
    } catch (error) {
      if (error instanceof RefusedError) return { result: this.refuse(error.reason), changed: false };
      throw error;
    }
  }

  private perform(
    body: Command["body"],
    draft: State,
    index: number,
    timeMs: number,
  ): { result: CommandResult; changed: boolean } {
    switch (body.kind) {
      case "txn": {
        this.checkTxn(body);
        const changes: Change[] = [];
        const txn = this.txn(body, draft, changes, timeMs);
        if (changes.length === 0) return { result: { status: "txn", revision: this.revision, txn }, changed: false };
        this.commit(draft, changes);
        return { result: { status: "txn", revision: this.revision, txn }, changed: true };
      }
      case "compact":
        if (body.revision > this.revision) throw new RefusedError("future_revision");
        if (this.compactRevision > 0 && body.revision <= this.compactRevision) throw new RefusedError("compacted");
        this.compactRevision = Math.max(0, body.revision);
        return { result: { status: "compacted", revision: this.revision }, changed: true };
      case "leaseGrant": {
        if (draft.leases.has(body.id)) throw new RefusedError("lease_exists");
        const id = body.id === "0" ? pick(draft) : body.id;
        const ttlMs = Math.max(1000, body.ttlMs);
        draft.leases.set(id, { ttlMs, expiresAtMs: timeMs + ttlMs, ownKey: null });
        this.state = draft;
        return { result: { status: "lease", revision: this.revision, id, ttlMs }, changed: true };
      }
      case "leaseRevoke":
        if (!draft.leases.has(body.id)) throw new RefusedError("lease_not_found");
        this.end(body.id);
        return { result: { status: "revoked", revision: this.revision }, changed: true };
      case "leaseKeepAlive": {
        const ttlsMs = body.ids.map((id) => {
          const lease = this.state.leases.get(id);
          if (lease !== undefined) lease.expiresAtMs = timeMs + lease.ttlMs;
          return lease?.ttlMs ?? null;
        });
        const changed = ttlsMs.some((ttlMs) => ttlMs !== null);
        return { result: { status: "keptAlive", revision: this.revision, ttlsMs }, changed };
      }
      case "timer": {
        const expired = [...this.state.leases].filter(([, { expiresAtMs }]) => expiresAtMs <= timeMs);
        expired.sort(
          ([one, { expiresAtMs }], [other, lease]) => expiresAtMs - lease.expiresAtMs || (one < other ? -1 : 1),
        );
        for (const [id] of expired) this.end(id);
        for (const [id, session] of this.sessions) if (expiry(session) <= timeMs) this.sessions.delete(id);
        return { result: { status: "timer", revision: this.revision }, changed: true };
      }
      case "sessionOpen": {
        if (this.sessions.size >= this.limits.sessions) throw new RefusedError("too_many_sessions");
        const id = `${index.toString(36)}-${timeMs.toString(36)}`;
        this.sessions.set(id, { ttlMs: body.ttlMs, usedMs: timeMs, commands: new Map() });
        return { result: { status: "session", revision: this.revision, id }, changed: true };
      }
    }
  }

  private commit(draft: State, changes: readonly Change[]): void {
    this.state = draft;
    this.revision += 1;
    this.changes.push(...changes);
    this.past.set(this.revision, new Map(draft.items));
  }

  /** Ends a lease with its keys. */
  private end(id: string): void {
    const draft = { ...this.state, items: new Map(this.state.items), leases: new Map(this.state.leases) };
    const changes = this.keysOfLease(draft, id).map((key) => this.remove(draft, key));
    draft.leases.delete(id);
    if (changes.length > 0) this.commit(draft, changes);
    else this.state = draft;
  }

  private checkTxn(txn: TxnOperation): void {
    const tooMany = (one: TxnOperation, left: number): boolean => {
      const most = Math.max(one.compares.length, one.success.length, one.failure.length);
      const nested = [...one.success, ...one.failure].filter((operation) => operation.kind === "txn");
      return most > left || nested.some((inner) => tooMany(inner, left - most));
    };
    if (tooMany(txn, 128)) throw new RefusedError("too_many_operations");
    for (const branch of [txn.success, txn.failure]) checkIntervals(branch);
  }

  /** Compares see the state that was; operations see those before them. */
  private txn(txn: TxnOperation, draft: State, changes: Change[], timeMs: number): TxnResult {
    const path = (one: TxnOperation): readonly Operation[] => (this.succeeds(one) ? one.success : one.failure);
    const steps = (operations: readonly Operation[]): Operation[] =>
      operations.flatMap((operation) => (operation.kind === "txn" ? steps(path(operation)) : [operation]));
    const reasons = steps(path(txn)).flatMap((step) => this.reasonsAgainst(step));
    this.possibleReasons = new Set(reasons);
    if (reasons[0] !== undefined) throw new RefusedError(reasons[0]);
    const run = (one: TxnOperation): TxnResult => ({
      kind: "txn",
      succeeded: this.succeeds(one),
      results: path(one).map((step) => (step.kind === "txn" ? run(step) : this.step(step, draft, changes, timeMs))),
    });
    return run(txn);
  }

  private succeeds({ compares }: TxnOperation): boolean {
    return compares.every((compare) => {
      const items = spanned(this.state.items, compare);
      if (items.length === 0) return compare.target !== "value" && matches(compare, null);
      return items.every((item) => matches(compare, item));
    });
  }

  private reasonsAgainst(step: Operation): Reason[] {
    if (step.kind === "range") {
      if (step.revision > this.revision) return ["future_revision"];
      return step.revision > 0 && step.revision < this.compactRevision ? ["compacted"] : [];
    }
    if (step.kind === "put") {
      const reasons: Reason[] = [];
      const key = hex(step.key);
      if ((step.ignoreValue || step.ignoreLease) && !this.state.items.has(key)) reasons.push("key_not_found");
      const lease = this.state.leases.get(step.lease);
      if (step.lease !== "0" && (lease === undefined || (lease.ownKey !== null && lease.ownKey !== key))) {
        reasons.push("lease_not_found");
      }
      return reasons;
    }
    if (step.kind === "increment") {
      const item = this.state.items.get(hex(step.key));
      const before = item === undefined ? "0" : text(item.value);
      if (!/^-?\d{1,19}$/.test(before) || BigInt.asIntN(64, BigInt(before)) !== BigInt(before)) return ["not_a_number"];
      const sum = BigInt(before) + BigInt(step.delta);
      return BigInt.asIntN(64, sum) === sum ? [] : ["number_overflow"];
    }
    return [];
  }

  private step(step: Operation, draft: State, changes: Change[], timeMs: number): OperationResult {
    switch (step.kind) {
      case "range":
        return this.range(step, step.revision <= 0 ? draft.items : this.itemsAt(step.revision));
      case "put": {
        const found = draft.items.get(hex(step.key));
        const own = step.ttlMs > 0 ? pick(draft) : null;
        const lease = step.ignoreLease ? (found?.lease ?? "0") : (own ?? step.lease);
        const content = step.ignoreValue && found !== undefined ? found : step;
        const item = this.put(draft, changes, step.key, content, lease);
        if (own !== null) {
          const ttlMs = Math.max(1000, step.ttlMs);
          draft.leases.set(own, { ttlMs, expiresAtMs: timeMs + ttlMs, ownKey: hex(step.key) });
        }
        const previous =
          found === undefined || step.previous === "none" ? null : shown(found, step.previous === "values");
        return { kind: "put", created: found === undefined, lease, previous, ...revisions(item) };
      }
      case "increment": {
        const found = draft.items.get(hex(step.key));
        const before = found === undefined ? 0n : BigInt(text(found.value));
        const value = String(before + BigInt(step.delta));
        const { contentType, metadata, lease } = found ?? { contentType: "", metadata: "", lease: "0" };
        const item = this.put(draft, changes, step.key, { value: bytes(value), contentType, metadata }, lease);
        return { kind: "increment", created: found === undefined, value, ...revisions(item) };
      }
      case "delete": {
        const found = spanned(draft.items, step);
        for (const item of found) changes.push(this.remove(draft, hex(item.key)));
        const previous = step.previous === "none" ? [] : found.map((item) => shown(item, step.previous === "values"));
        return { kind: "delete", deleted: found.length, previous };
      }
      case "txn":
        throw new Error("a transaction is no step");
    }
  }

  private put(
    draft: State,
    changes: Change[],
    key: Uint8Array,
    { value, contentType, metadata }: Pick<Stored, "value" | "contentType" | "metadata">,
    lease: string,
  ): Stored {
    const found = draft.items.get(hex(key));
    const modRevision = this.revision + 1;
    const item: Stored = {
      key: key.slice(),
      createRevision: found?.createRevision ?? modRevision,
      modRevision,
      version: (found?.version ?? 0) + 1,
      lease,
      contentType,
      metadata,
      valueBytes: value.length,
      value: value.slice(),
    };
    if (found !== undefined && found.lease !== lease) dropOwnLease(draft, found.lease);
    draft.items.set(hex(key), item);
    changes.push({ revision: modRevision, key: hex(key), item, previous: found ?? null });
    return item;
  }

  private remove(draft: State, key: Key): Change {
    const previous = draft.items.get(key);
    if (previous === undefined) throw new Error("the key does not exist");
    dropOwnLease(draft, previous.lease);
    draft.items.delete(key);
    return { revision: this.revision + 1, key, item: null, previous };
  }

  private range(operation: RangeOperation, items: ReadonlyMap<Key, Stored>): RangeResult {
    const all = spanned(items, operation);
    if (operation.countOnly) return { kind: "range", items: [], count: all.length, more: false };
    const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision, limit } = operation;
    const kept = all
      .filter(({ modRevision }) => minModRevision === 0 || modRevision >= minModRevision)
      .filter(({ modRevision }) => maxModRevision === 0 || modRevision <= maxModRevision)
      .filter(({ createRevision }) => minCreateRevision === 0 || createRevision >= minCreateRevision)
      .filter(({ createRevision }) => maxCreateRevision === 0 || createRevision <= maxCreateRevision);
    const direction = operation.sortOrder === "descend" ? -1 : 1;
    kept.sort((one, other) => direction * compareBy(operation.sortTarget, one, other));
    const cut = limit > 0 ? kept.slice(0, limit) : kept;
    return {
      kind: "range",
      items: cut.map((item) => shown(item, !operation.keysOnly)),
      count: all.length,
      more: cut.length < kept.length,
    };
  }

  private list(query: ListQuery): { items: Item[]; commonPrefixes: Uint8Array[]; next: Uint8Array | null } {
    const { prefix, start, end, after, reverse, delimiter, limit, keysOnly } = query;
    const entries = new Map<Key, Stored | null>();
    for (const [key, item] of [...this.itemsAt(query.revision)].sort(([one], [other]) => (one < other ? -1 : 1))) {
      if (!key.startsWith(hex(prefix))) continue;
      if (start !== null && key < hex(start)) continue;
      if (end !== null && key >= hex(end)) continue;
      // In texts of one character a byte, a delimiter is found where it is among the bytes.
      const at = delimiter.length === 0 ? -1 : text(item.key).indexOf(text(delimiter), prefix.length);
      if (at < 0) entries.set(key, item);
      else entries.set(hex(item.key.subarray(0, at + delimiter.length)), null);
    }
    const names = [...entries.keys()].sort();
    if (reverse) names.reverse();
    const behind = names.filter((name) => after === null || (reverse ? name < hex(after) : name > hex(after)));
    const page = behind.slice(0, limit);
    const items = page.map((name) => entries.get(name)).filter((item) => item !== null && item !== undefined);
    const last = page.at(-1);
    return {
      items: items.map((item) => shown(item, !keysOnly)),
      commonPrefixes: page.filter((name) => entries.get(name) === null).map(fromHex),
      next: page.length < behind.length && last !== undefined ? fromHex(last) : null,
    };
  }

  private itemsAt(revision: number): ReadonlyMap<Key, Stored> {
    if (revision > this.revision) throw new RefusedError("future_revision");
    if (revision > 0 && revision < this.compactRevision) throw new RefusedError("compacted");
    return revision <= 0 ? this.state.items : this.past.get(revision)!;
  }

  private keysOfLease({ items }: State, id: string): Key[] {
    return [...items]
      .filter(([, { lease }]) => lease === id)
      .map(([key]) => key)
      .sort();
  }

  private refuse(reason: Reason): { status: "refused"; revision: number; refusal: Refusal } {
    const refusal: Refusal = reason === "compacted" ? { reason, compactRevision: this.compactRevision } : { reason };
    return { status: "refused", revision: this.revision, refusal };
  }
}

/** The rule of etcd's `checkIntervals`, told once more. */
function checkIntervals(operations: readonly Operation[]): { puts: Set<Key>; deletes: KeySpan[] } {
  const deletes: KeySpan[] = operations.filter((operation) => operation.kind === "delete");
  const puts = new Set<Key>();
  for (const operation of operations) {
    if (operation.kind !== "txn") continue;
    const branches = [checkIntervals(operation.success), checkIntervals(operation.failure)];
    const fresh = new Set(branches.flatMap((branch) => [...branch.puts]));
    for (const key of fresh) {
      if (puts.has(key) || deletes.some((span) => within(key, span))) throw new RefusedError("duplicate_key");
    }
    for (const key of fresh) puts.add(key);
    deletes.push(...branches.flatMap((branch) => branch.deletes));
  }
  for (const operation of operations) {
    if (operation.kind !== "put" && operation.kind !== "increment") continue;
    const key = hex(operation.key);
    if (puts.has(key) || deletes.some((span) => within(key, span))) throw new RefusedError("duplicate_key");
    puts.add(key);
  }
  return { puts, deletes };
}

function matches(compare: Compare, item: Stored | null): boolean {
  const order = orderOf(compare, item);
  if (compare.result === "equal") return order === 0;
  if (compare.result === "notEqual") return order !== 0;
  return compare.result === "greater" ? order > 0 : order < 0;
}

function orderOf(compare: Compare, item: Stored | null): number {
  switch (compare.target) {
    case "value":
      return compareTexts(hex(item?.value ?? new Uint8Array(0)), hex(compare.operand));
    case "lease":
      return (
        Number(BigInt(item?.lease ?? "0") > BigInt(compare.operand)) -
        Number(BigInt(item?.lease ?? "0") < BigInt(compare.operand))
      );
    case "version":
      return (item?.version ?? 0) - compare.operand;
    case "create":
      return (item?.createRevision ?? 0) - compare.operand;
    case "mod":
      return (item?.modRevision ?? 0) - compare.operand;
  }
}

function compareBy(target: RangeOperation["sortTarget"], one: Stored, other: Stored): number {
  switch (target) {
    case "key":
      return compareTexts(hex(one.key), hex(other.key));
    case "value":
      return compareTexts(hex(one.value), hex(other.value));
    case "version":
      return one.version - other.version;
    case "create":
      return one.createRevision - other.createRevision;
    case "mod":
      return one.modRevision - other.modRevision;
  }
}

function compareTexts(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** In the order of the keys. */
function spanned(items: ReadonlyMap<Key, Stored>, span: KeySpan): Stored[] {
  const found = [...items].filter(([key]) => within(key, span));
  return found.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item);
}

function within(key: Key, { key: from, rangeEnd }: KeySpan): boolean {
  if (rangeEnd === null) return key === hex(from);
  return key >= hex(from) && (hex(rangeEnd) === "00" || key < hex(rangeEnd));
}

function dropOwnLease(draft: State, id: string): void {
  if (draft.leases.get(id)?.ownKey !== null) draft.leases.delete(id);
}

function pick(draft: State): string {
  for (;;) {
    const id = String(2 ** 52 + draft.leaseSequence);
    draft.leaseSequence += 1;
    if (!draft.leases.has(id)) return id;
  }
}

function expiry({ usedMs, ttlMs }: SessionRecord): number {
  return usedMs + ttlMs + Math.ceil(ttlMs / 8);
}

function revisions({
  createRevision,
  modRevision,
  version,
}: Stored): Pick<Stored, "createRevision" | "modRevision" | "version"> {
  return { createRevision, modRevision, version };
}

function shown(item: Stored, withValue: boolean): Item {
  return { ...item, value: withValue ? Uint8Array.from(item.value) : null };
}

function deleted(key: Key, modRevision: number): Item {
  const none = { createRevision: 0, version: 0, lease: "0", contentType: "", metadata: "", valueBytes: 0 };
  return { key: fromHex(key), modRevision, ...none, value: null };
}
