/** What each command does. */

import { maxLeases } from "../limits.ts";
import { noLease } from "../model.ts";
import type { CommandBody, CommandResult, Compare, LeaseId, Operation, Refusal, TxnOperation } from "../model.ts";
import { AnswerBudget } from "./answer-budget.ts";
import type { Compaction } from "./compaction.ts";
import { minTtlMs } from "./leases.ts";
import type { Lease } from "./leases.ts";
import type { Sessions } from "./sessions.ts";
import type { StoreParts } from "./store-parts.ts";
import { performTxn, planTxn } from "./txn.ts";
import type { TxnPlan } from "./txn.ts";
import { refuseTxn } from "./txn-rules.ts";

/** Where a command is in the log, and when its leader took it. */
export interface Moment {
  readonly index: number;
  readonly timeMs: number;
}

/** A command's result but for the revision, and whether it changed anything. */
interface Outcome {
  readonly result: Unrevised<CommandResult>;
  readonly hasEffect: boolean;
}

interface Planned {
  readonly result: Unrevised<CommandResult>;
  readonly plan: TxnPlan | null;
}

type Unrevised<Revised> = Revised extends unknown ? Omit<Revised, "revision"> : never;

/** A transaction of so many operations at most is foreseen. */
const foreseenOperations = 16;
/** How many leases end with one timer command. */
const endedLeases = 256;
/** No further lease ends with the command when its leases had so many keys. */
const endedKeys = 4096;

export class Commands {
  private readonly parts: StoreParts;
  private readonly sessions: Sessions;
  private readonly compaction: Compaction;

  constructor(parts: StoreParts, sessions: Sessions, compaction: Compaction) {
    this.parts = parts;
    this.sessions = sessions;
    this.compaction = compaction;
  }

  /** Does a command, all of it or nothing. */
  execute(
    body: CommandBody,
    at: Moment,
    maxAnswerBytes: number,
  ): { readonly result: CommandResult; readonly hasEffect: boolean } {
    const { result, hasEffect } = this.perform(body, at, maxAnswerBytes);
    return { result: { ...result, revision: this.parts.meta.revision }, hasEffect };
  }

  /** What `execute` would answer; null for what can't be told without doing it, or takes long enough to be done once only. */
  foresee(body: CommandBody, { timeMs }: Moment, maxAnswerBytes: number): CommandResult | null {
    if (body.kind !== "txn" || !isSmall(body)) return null;
    const { result, plan } = this.plan(body, timeMs, maxAnswerBytes);
    const { revision } = this.parts.meta;
    return { ...result, revision: plan === null ? revision : revision + 1 };
  }

  private perform(body: CommandBody, at: Moment, maxAnswerBytes: number): Outcome {
    switch (body.kind) {
      case "txn":
        return this.txn(body, at, maxAnswerBytes);
      case "compact": {
        const refusal = this.compaction.compact(body.revision);
        return refusal === null ? { result: { status: "compacted" }, hasEffect: true } : refused(refusal);
      }
      case "leaseGrant":
        return this.grant(body.id, body.ttlMs, at);
      case "leaseRevoke":
        return this.revoke(body.id, at);
      case "leaseKeepAlive":
        return this.keepAlive(body.ids, at);
      case "timer":
        return this.timer(at);
      case "sessionOpen":
        return this.openSession(body.ttlMs, at);
    }
  }

  private txn(txn: TxnOperation, { timeMs }: Moment, maxAnswerBytes: number): Outcome {
    const { meta } = this.parts;
    const { result, plan } = this.plan(txn, timeMs, maxAnswerBytes);
    if (plan === null) return { result, hasEffect: false };
    const moment = { revision: meta.revision + 1, timeMs };
    meta.revision = moment.revision;
    performTxn(this.parts, plan, moment);
    return { result, hasEffect: true };
  }

  /** What a transaction answers, and what it writes at the next revision; null where it changes nothing. */
  private plan(txn: TxnOperation, timeMs: number, maxAnswerBytes: number): Planned {
    const refusal = refuseTxn(txn);
    if (refusal !== null) return { result: { status: "refused", refusal }, plan: null };
    const moment = { revision: this.parts.meta.revision + 1, timeMs };
    const plan = planTxn(this.parts, txn, moment, new AnswerBudget(maxAnswerBytes));
    if ("reason" in plan) return { result: { status: "refused", refusal: plan }, plan: null };
    return { result: { status: "txn", txn: plan.result }, plan: plan.effects.length > 0 ? plan : null };
  }

  private grant(chosen: LeaseId, wantedTtlMs: number, { timeMs }: Moment): Outcome {
    const { meta, leases } = this.parts;
    if (chosen !== noLease && leases.find(chosen) !== undefined) return refused({ reason: "lease_exists" });
    if (meta.leases >= maxLeases) return refused({ reason: "too_many_leases" });
    const ttlMs = Math.max(wantedTtlMs, minTtlMs);
    const { id, sequence } =
      chosen === noLease ? leases.pick(meta.leaseSequence) : { id: chosen, sequence: meta.leaseSequence };
    meta.leaseSequence = sequence;
    leases.add({ id, ttlMs, expiresAtMs: timeMs + ttlMs, ownKey: null });
    return { result: { status: "lease", id, ttlMs }, hasEffect: true };
  }

  private revoke(id: LeaseId, { timeMs }: Moment): Outcome {
    const lease = this.parts.leases.find(id);
    if (lease === undefined) return refused({ reason: "lease_not_found" });
    this.end(lease, timeMs);
    return { result: { status: "revoked" }, hasEffect: true };
  }

  private keepAlive(ids: readonly LeaseId[], { timeMs }: Moment): Outcome {
    const ttlsMs = ids.map((id) => {
      const lease = this.parts.leases.find(id);
      if (lease === undefined) return null;
      this.parts.leases.renew(lease, timeMs);
      return lease.ttlMs;
    });
    return { result: { status: "keptAlive", ttlsMs }, hasEffect: ttlsMs.some((ttlMs) => ttlMs !== null) };
  }

  /** What is due is done, so much of it that a turn stays short; the next timer command does the rest. */
  private timer({ timeMs }: Moment): Outcome {
    let ended = 0;
    const expired = this.parts.leases.expired(timeMs, endedLeases);
    for (const lease of expired) {
      if (ended >= endedKeys) break;
      ended += this.end(lease, timeMs);
    }
    const hasEnded = this.sessions.expire(timeMs);
    const hasForgotten = this.compaction.forget();
    return { result: { status: "timer" }, hasEffect: expired.length > 0 || hasEnded || hasForgotten };
  }

  private openSession(ttlMs: number, { index, timeMs }: Moment): Outcome {
    // An index can come twice when a group was recovered from a part of its log, but not with the same time.
    const id = `${index.toString(36)}-${timeMs.toString(36)}`;
    if (!this.sessions.open(id, ttlMs, timeMs)) return refused({ reason: "too_many_sessions" });
    return { result: { status: "session", id }, hasEffect: true };
  }

  /** Ends a lease and deletes its keys, all at one revision. Answers how many there were. */
  private end(lease: Lease, timeMs: number): number {
    const { meta, index, leases, writer } = this.parts;
    const moment = { revision: meta.revision + 1, timeMs };
    let count = 0;
    for (const key of leases.keysOf(lease)) {
      const state = index.get(key);
      if (state === undefined) throw new Error("a lease has a key that does not exist");
      writer.delete(state, moment);
      count += 1;
    }
    if (count > 0) meta.revision = moment.revision;
    // A lease that belongs to its key has gone with it.
    if (lease.ownKey === null) leases.remove(lease);
    return count;
  }
}

/** Whether a transaction concerns a few single keys. */
function isSmall({ compares, success, failure }: TxnOperation): boolean {
  const operations = [...success, ...failure];
  if (compares.length + operations.length > foreseenOperations) return false;
  const isOfKey = (part: Operation | Compare): boolean => !("rangeEnd" in part) || part.rangeEnd === null;
  return compares.every(isOfKey) && operations.every((operation) => operation.kind !== "txn" && isOfKey(operation));
}

function refused(refusal: Refusal): Outcome {
  return { result: { status: "refused", refusal }, hasEffect: false };
}
