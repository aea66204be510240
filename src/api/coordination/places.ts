/** Who has come to a lock or an election, in the order in which they came: one key each, under a common prefix. */

import type { Compare, Item, KeySpan, LeaseId, Operation, RangeOperation, TxnResult } from "../../kv/model.ts";
import { deleteOf, putOf, rangeOf } from "../../kv/operations.ts";
import { oneKey } from "../../kv/span.ts";
import type { Position } from "../position.ts";
import type { Outcome, Repetition, StoreClient } from "../store.ts";

/** A place in the order. It is the turn of whoever has the least token of all that are there. */
export interface Place {
  readonly key: Uint8Array;
  /** The store's revision when the place was taken: the fencing token. Later places have greater ones. */
  readonly token: number;
  /** The place goes when its lease ends. */
  readonly lease: LeaseId;
  /** The store's revision when it was last put: greater than the token where its value was changed since. */
  readonly modRevision: number;
  readonly value: Uint8Array;
  /** JSON text that is kept beside the value. */
  readonly metadata: string;
}

/** A place that is asked for. Asked for again with the same key, it is the one that is there already. */
export interface Ticket {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly metadata: string;
  /** The lease that the place is to have, or how long one of its own lives. */
  readonly lease: LeaseId | { readonly ttlMs: number };
}

/** What has come of a ticket. */
export interface Entered {
  /** Undefined where none was taken. */
  readonly place: Place | undefined;
  /** Whose turn it is. */
  readonly first: Place | undefined;
  readonly revision: number;
  readonly position: Position;
}

/** What one read found. */
export interface Standing {
  readonly places: readonly Place[];
  /** How many there are, whatever is left out of `places`. */
  readonly count: number;
  readonly revision: number;
  readonly position: Position;
}

/** What has come of giving a place up. */
export interface Left {
  readonly wasThere: boolean;
  readonly revision: number;
  readonly position: Position;
}

const oldestFirst = { sortTarget: "create", sortOrder: "ascend" } as const;
const newestFirst = { sortTarget: "create", sortOrder: "descend" } as const;
const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

export class Places {
  private readonly store: StoreClient;
  private readonly name: Uint8Array;
  private readonly prefix: Uint8Array;
  /** All places. */
  readonly span: KeySpan;

  /** The name as etcd's locks and elections have it: the keys of places are behind it and a slash. */
  constructor(store: StoreClient, name: Uint8Array) {
    this.store = store;
    this.name = name;
    this.prefix = joined(name, "/");
    // "0" is the character that follows "/".
    this.span = { key: this.prefix, rangeEnd: joined(name, "0") };
  }

  /** The same places, as another client of the store sees them. */
  through(store: StoreClient): Places {
    return new Places(store, this.name);
  }

  /** The key of a place. */
  keyOf(ending: string): Uint8Array {
    return joined(this.prefix, ending);
  }

  /** Takes a place behind all others. */
  enter(ticket: Ticket, repetition: Repetition): Promise<Entered> {
    return this.take(ticket, oneKey(ticket.key), repetition);
  }

  /** Takes a place if there is no other. */
  enterAlone(ticket: Ticket, repetition: Repetition): Promise<Entered> {
    return this.take(ticket, this.span, repetition);
  }

  /** Whose turn it is: one place at most. */
  first(): Promise<Standing> {
    return this.look(this.firstRange());
  }

  /** The first places in their order, without values. */
  list(limit: number): Promise<Standing> {
    return this.look(rangeOf({ ...this.span, limit, ...oldestFirst, keysOnly: true }));
  }

  /** How many places came before this token, without values. */
  ahead(token: number): Promise<Standing> {
    return this.look(rangeOf({ ...this.span, maxCreateRevision: token - 1, keysOnly: true }));
  }

  /** The place with this token and then the one before it, as far as they are there; without values. */
  lastTwo(token: number): Promise<Standing> {
    return this.look(rangeOf({ ...this.span, ...newestFirst, maxCreateRevision: token, limit: 2, keysOnly: true }));
  }

  /** The place of a key as it was at a revision, 0 for the present one. */
  at(key: Uint8Array, revision = 0): Promise<Standing> {
    return this.look(rangeOf({ ...oneKey(key), revision }));
  }

  /** The place with this token, or the first with this lease; without its value. */
  async find(by: { readonly token: number } | { readonly lease: LeaseId }): Promise<Place | undefined> {
    const bounds = "token" in by ? { minCreateRevision: by.token, maxCreateRevision: by.token } : {};
    const { places } = await this.look(rangeOf({ ...this.span, ...oldestFirst, ...bounds, keysOnly: true }));
    return places.find(({ lease }) => "token" in by || lease === by.lease);
  }

  /** Changes the value of a place, if it is there still: else the transaction has not `succeeded`. */
  change(
    { key, token, metadata }: Pick<Place, "key" | "token" | "metadata">,
    value: Uint8Array,
    repetition: Repetition,
  ): Promise<Outcome<"txn">> {
    return this.ifThere({ key, token }, putOf({ key, value, metadata, ignoreLease: true }), repetition);
  }

  /** Gives a place up. Its own lease ends with it. */
  async leave(place: Pick<Place, "key" | "token">): Promise<Left> {
    // No other place ever has its token, so it does no harm to try again; and it may have gone by the first try.
    const { txn, ambiguous, revision, position } = await this.ifThere(place, deleteOf(oneKey(place.key)), {
      harmless: true,
    });
    return { wasThere: txn.succeeded || ambiguous, revision, position };
  }

  private ifThere(
    { key, token }: Pick<Place, "key" | "token">,
    operation: Operation,
    repetition: Repetition,
  ): Promise<Outcome<"txn">> {
    const isThere: Compare = { ...oneKey(key), target: "create", result: "equal", operand: token };
    return this.store.txn({ kind: "txn", compares: [isThere], success: [operation], failure: [] }, repetition);
  }

  /** Puts the ticket's key if none of these keys is there, and looks who is. */
  private async take(ticket: Ticket, absent: KeySpan, repetition: Repetition): Promise<Entered> {
    const looks = [rangeOf(oneKey(ticket.key)), this.firstRange()];
    const compares: Compare[] = [{ ...absent, target: "create", result: "equal", operand: 0 }];
    const answer = await this.store.txn(
      { kind: "txn", compares, success: [putOfTicket(ticket), ...looks], failure: looks },
      repetition,
    );
    const [place, first] = foundIn(answer.txn);
    return { place, first, revision: answer.revision, position: answer.position };
  }

  private firstRange(): RangeOperation {
    return rangeOf({ ...this.span, ...oldestFirst, limit: 1 });
  }

  private async look(operation: RangeOperation): Promise<Standing> {
    const { range, revision, position } = await this.store.range(operation);
    return { places: range.items.map(placeOf), count: range.count, revision, position };
  }
}

/** What each range of a transaction found first. */
function foundIn({ results }: TxnResult): (Place | undefined)[] {
  return results.flatMap((result) => {
    if (result.kind !== "range") return [];
    const [item] = result.items;
    return [item === undefined ? undefined : placeOf(item)];
  });
}

/** The place that a key is. */
export function placeOf(item: Item): Place {
  const { key, createRevision: token, lease, modRevision, metadata } = item;
  return { key, token, lease, modRevision, value: item.value ?? nothing, metadata };
}

function putOfTicket({ key, value, metadata, lease }: Ticket): Operation {
  const life = typeof lease === "object" ? { ttlMs: lease.ttlMs } : { lease };
  return putOf({ key, value, metadata, ...life });
}

function joined(first: Uint8Array, text: string): Uint8Array {
  const second = encoder.encode(text);
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
