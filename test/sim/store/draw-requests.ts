/** What clients of the whole key-value store ask by chance. */

import type { Command, CommandBody, Compare, LeaseId, Operation, Query } from "../../../src/kv/model.ts";
import { bytes, increment, list, put, range, remove, txn } from "../../kv/store/requests.ts";
import type { KeyValueCall } from "../../linearizability/key-value-call.ts";
import type { Random } from "../random.ts";
import type { StoreSettings } from "../settings.ts";

/** What a client knows of the store. */
export interface Lore {
  revision: number;
  /** The revisions of keys, 0 for one that is missing. */
  readonly modRevisions: Map<string, number>;
  /** Leases whose ids the store has picked. */
  readonly leases: LeaseId[];
  session: string;
}

export interface Drawn<Asked> {
  readonly asked: Asked;
  /** For the checker of linearizability; null for what it does not know. */
  readonly call: KeyValueCall | null;
}

/** Nothing changes these but plain puts, deletes and transactions: the checker knows all of what happens to them. */
export const plainKeys = ["a0", "a1", "a2"] as const;
/** These come and go with leases, and are numbers at times. */
const otherKeys = ["b0", "b1", "b/0", "b/1"] as const;
const chosenLeases = ["1", "2", "3"] as const;
const plainEnd = "b";
const end = "c";

export class RequestDrawer {
  private readonly random: Random;
  private readonly settings: StoreSettings;
  private readonly lore: Lore;
  private readonly valueBytes: number;

  constructor(random: Random, settings: StoreSettings, lore: Lore, valueBytes: number) {
    this.random = random;
    this.settings = settings;
    this.lore = lore;
    this.valueBytes = valueBytes;
  }

  /** @param name tells what is put from all else that is put */
  command(name: string): Drawn<CommandBody> {
    const { random } = this;
    if (random.chance(this.settings.compactionRate)) return unchecked(this.compaction());
    if (random.chance(0.4)) return this.plainWrite(name);
    if (random.chance(0.45)) return unchecked(this.leaseCommand());
    return unchecked(this.transaction(name, 0));
  }

  query(): Drawn<Query> {
    const { random, lore } = this;
    const key = random.pick(plainKeys);
    switch (random.below(11)) {
      case 0:
      case 1:
      case 2:
        return { asked: range(key), call: { kind: "get", key } };
      case 3:
        return { asked: range("a", plainEnd), call: { kind: "list", keys: plainKeys } };
      case 4:
        return unchecked(this.range());
      case 5:
        return unchecked(range("a", end, { revision: Math.max(1, lore.revision - random.below(8)) }));
      case 6:
        return unchecked(list({ delimiter: bytes("/"), limit: 1 + random.below(5), reverse: random.chance(0.5) }));
      case 7:
        return unchecked({ kind: "getMany", keys: [...plainKeys, ...otherKeys].map(bytes), withValues: true });
      case 8:
        return unchecked(
          random.chance(0.5) ? { kind: "leases" } : { kind: "lease", id: this.leaseId(), withKeys: true },
        );
      case 9:
        return unchecked({ kind: "hash", revision: random.chance(0.5) ? 0 : lore.revision - random.below(8) });
      default:
        return unchecked({ kind: "status" });
    }
  }

  private plainWrite(name: string): Drawn<CommandBody> {
    const { random, lore } = this;
    const key = random.pick(plainKeys);
    const value = this.value(name);
    if (random.chance(0.2)) return { asked: txn([remove(key)]), call: { kind: "delete", key } };
    if (random.chance(0.4)) return { asked: txn([put(key, value)]), call: { kind: "put", key, value } };
    const other = random.pick(plainKeys.filter((each) => each !== key));
    const revision = lore.modRevisions.get(key) ?? 0;
    const compares: Compare[] = [
      { key: bytes(key), rangeEnd: null, target: "mod", result: "equal", operand: revision },
    ];
    return {
      asked: txn([put(key, value), remove(other)], compares, [range(key), put(other, value)]),
      call: {
        kind: "transaction",
        compare: [{ key, condition: { revision } }],
        success: [
          { kind: "put", key, value },
          { kind: "delete", key: other },
        ],
        failure: [
          { kind: "get", key },
          { kind: "put", key: other, value },
        ],
      },
    };
  }

  private transaction(name: string, depth: number): CommandBody & Operation {
    const { random } = this;
    const compares = Array.from({ length: random.below(3) }, () => this.compare(name));
    const branch = (way: string): Operation[] => {
      // A key that comes twice is refused, which must change nothing.
      const keys = random.chance(0.05) ? ["b0", "b0"] : random.shuffle(otherKeys).slice(0, 1 + random.below(3));
      const operations = keys.map((key) => this.operation(key, `${name}.${way}`));
      const nested = depth < 2 && random.chance(0.25) ? [this.transaction(`${name}.${way}`, depth + 1)] : [];
      return [...operations, ...nested];
    };
    return txn(branch("t"), compares, branch("e"));
  }

  private operation(key: string, name: string): Operation {
    const { random } = this;
    const previous = random.pick(["none", "keys", "values"] as const);
    switch (random.below(8)) {
      case 0:
        return remove(key, null, { previous });
      case 1:
        return remove("b/", "b0", { previous });
      case 2:
        return increment(key, String(1 + random.below(5)));
      case 3:
        return put(key, String(random.below(100)), { ttlMs: this.ttlMs(), previous });
      case 4:
        return put(key, this.value(name), { lease: this.leaseId() });
      case 5:
        return put(key, "", { ignoreValue: true, lease: this.leaseId() });
      case 6:
        return this.range();
      default:
        return put(key, this.value(name), { previous });
    }
  }

  private range(): Operation & { readonly kind: "range" } {
    const { random } = this;
    return range(random.pick(["a", "a1", "b", "b/"]), random.pick([null, "b0", end]), {
      limit: random.below(3),
      keysOnly: random.chance(0.3),
      countOnly: random.chance(0.2),
      sortTarget: random.pick(["key", "version", "mod"] as const),
      sortOrder: random.pick(["none", "ascend", "descend"] as const),
    });
  }

  private compare(name: string): Compare {
    const { random, lore } = this;
    const key = random.pick(otherKeys);
    const span = { key: bytes(key), rangeEnd: random.chance(0.2) ? bytes(end) : null };
    const result = random.pick(["equal", "notEqual", "less", "greater"] as const);
    switch (random.below(4)) {
      case 0:
        return { ...span, result, target: "version", operand: random.below(3) };
      case 1:
        return { ...span, result, target: "lease", operand: random.pick(["0", this.leaseId()]) };
      case 2:
        // Half of them are met by what the transaction around them has just put, which they must not see.
        return { ...span, result, target: "value", operand: bytes(random.chance(0.5) ? name : "1") };
      default:
        return { ...span, result, target: "mod", operand: lore.revision };
    }
  }

  private leaseCommand(): CommandBody {
    const { random } = this;
    const pick = random.below(10);
    if (pick < 4) {
      const id = random.pick(["0", ...chosenLeases] as const);
      return { kind: "leaseGrant", id, ttlMs: this.ttlMs() };
    }
    if (pick < 7) return { kind: "leaseKeepAlive", ids: [this.leaseId(), this.leaseId()] };
    if (pick < 8) return { kind: "leaseRevoke", id: this.leaseId() };
    return { kind: "sessionOpen", ttlMs: this.ttlMs() };
  }

  private compaction(): CommandBody {
    return { kind: "compact", revision: Math.max(1, this.lore.revision - this.random.below(4)) };
  }

  private leaseId(): LeaseId {
    return this.random.pick([...chosenLeases, ...this.lore.leases.slice(-2)]);
  }

  private ttlMs(): number {
    return Math.round(this.random.between(1, this.settings.maxTtlMs));
  }

  private value(name: string): string {
    return name + " ".repeat(this.random.below(this.valueBytes + 1));
  }
}

export function fingerprinted(body: CommandBody, key: string, session: string): Command {
  const fingerprint = new Uint8Array(32);
  fingerprint.set(bytes(key).subarray(0, 32));
  return { body, idempotency: { key, fingerprint, session } };
}

function unchecked<Asked>(asked: Asked): Drawn<Asked> {
  return { asked, call: null };
}
