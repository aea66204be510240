/** What each query finds. */

import type { Item, LeaseId, ListQuery, Query, QueryAnswer, RangeOperation, Refusal } from "../model.ts";
import { AnswerBudget } from "./answer-budget.ts";
import { hashOf } from "./hash.ts";
import { itemFrameBytes, readItems } from "./items.ts";
import { bytesOf, textOf } from "./key-text.ts";
import { listPage } from "./list.ts";
import { evaluateRange } from "./range.ts";
import { viewAt } from "./store-parts.ts";
import type { StoreParts } from "./store-parts.ts";
import { refuseRevision } from "./txn-path.ts";

type Unrevised<Revised> = Revised extends unknown ? Omit<Revised, "revision"> : never;
type Answer = Unrevised<QueryAnswer>;

export class Queries {
  private readonly parts: StoreParts;
  private readonly maxAnswerBytes: number;

  constructor(parts: StoreParts, maxAnswerBytes: number) {
    this.parts = parts;
    this.maxAnswerBytes = maxAnswerBytes;
  }

  /** @param timeMs the present cluster time, as far as this node knows it */
  answer(query: Query, timeMs = 0): QueryAnswer {
    const { meta } = this.parts;
    const budget = new AnswerBudget(this.maxAnswerBytes);
    const answer = this.find(query, budget, Math.max(meta.timeMs, timeMs));
    return { ...(budget.isExceeded ? refused({ reason: "answer_too_large" }) : answer), revision: meta.revision };
  }

  private find(query: Query, budget: AnswerBudget, nowMs: number): Answer {
    switch (query.kind) {
      case "range":
        return this.range(query, budget);
      case "list":
        return this.list(query, budget);
      case "getMany":
        return { status: "many", items: this.many(query.keys, query.withValues, budget) };
      case "leases":
        return { status: "leases", ids: this.parts.leases.ids() };
      case "lease":
        return this.lease(query.id, query.withKeys, budget, nowMs);
      case "status": {
        const { compactRevision, keys, leases, sizeBytes } = this.parts.meta;
        return { status: "status", compactRevision, keys, leases, sizeBytes };
      }
      case "hash":
        return this.hash(query.revision);
    }
  }

  private range(operation: RangeOperation, budget: AnswerBudget): Answer {
    const refusal = refuseRevision(this.parts.meta, operation.revision);
    if (refusal !== null) return refused(refusal);
    const view = viewAt(this.parts, operation.revision);
    return { status: "range", range: evaluateRange(this.parts.history, view, operation, budget) };
  }

  private list(query: ListQuery, budget: AnswerBudget): Answer {
    const refusal = refuseRevision(this.parts.meta, query.revision);
    if (refusal !== null) return refused(refusal);
    const { states, commonPrefixes, next } = listPage(viewAt(this.parts, query.revision), query);
    const items = readItems(this.parts.history, states, !query.keysOnly, budget);
    return { status: "list", items, commonPrefixes, next };
  }

  private many(keys: readonly Uint8Array[], withValues: boolean, budget: AnswerBudget): (Item | null)[] {
    const states = keys.map((key) => this.parts.index.get(textOf(key)));
    const found = states.filter((state) => state !== undefined);
    const items = readItems(this.parts.history, found, withValues, budget).values();
    return states.map((state) => (state === undefined ? null : (items.next().value ?? null)));
  }

  private lease(id: LeaseId, withKeys: boolean, budget: AnswerBudget, nowMs: number): Answer {
    const lease = this.parts.leases.find(id);
    if (lease === undefined) return { status: "lease", lease: null, keys: [] };
    const keys: Uint8Array[] = [];
    for (const key of withKeys ? this.parts.leases.keysOf(lease) : []) {
      keys.push(bytesOf(key));
      if (!budget.take(key.length + itemFrameBytes)) break;
    }
    const remainingMs = Math.max(0, lease.expiresAtMs - nowMs);
    return { status: "lease", lease: { id, grantedTtlMs: lease.ttlMs, remainingMs }, keys };
  }

  private hash(revision: number): Answer {
    const refusal = refuseRevision(this.parts.meta, revision);
    if (refusal !== null) return refused(refusal);
    const hash = hashOf(this.parts.history, viewAt(this.parts, revision));
    return { status: "hash", hash, compactRevision: this.parts.meta.compactRevision };
  }
}

function refused(refusal: Refusal): Answer {
  return { status: "refused", refusal };
}
