/** The key-value store of one group as code in the Worker calls it: typed answers, and refusals as errors. */

import { decodeAnswer } from "../kv/answer-codec.ts";
import type {
  CommandBody,
  CommandResult,
  LeaseId,
  Query,
  QueryAnswer,
  RangeOperation,
  TxnOperation,
} from "../kv/model.ts";
import { encodeQuery } from "../kv/query-codec.ts";
import { decodeResult } from "../kv/result-codec.ts";
import type { ClusterClient, NodeAnswer } from "./cluster.ts";
import { encodeWrite } from "./encode-write.ts";
import { ApiError, storeRefusal } from "./errors.ts";
import { drawLeaseId } from "./lease-id.ts";
import { askNodes, type ReadOptions } from "./node-read.ts";
import type { Position } from "./position.ts";
import type { Target } from "./target.ts";

/** What the store answered, and where the node stood that did. */
export type Outcome<Status extends CommandResult["status"]> = Extract<CommandResult, { readonly status: Status }> & {
  readonly position: Position;
  /** An earlier attempt may have taken effect, before this one or after it. */
  readonly ambiguous: boolean;
};
export type Found<Status extends QueryAnswer["status"]> = Extract<QueryAnswer, { readonly status: Status }> & {
  readonly position: Position;
};

/** How safe it is to send a command again when the answer to it was lost. */
export interface Repetition {
  /** It takes effect once under this key, however often it is sent. */
  readonly idempotencyKey?: string | null;
  /** It does no harm to send it again, even when the first one arrives last. */
  readonly harmless?: boolean;
}

/** Every method throws an `ApiError` for what the store refuses, and when no leader answers in time. */
export class StoreClient {
  readonly cluster: ClusterClient;
  readonly target: Target;

  constructor(cluster: ClusterClient, target: Target) {
    this.cluster = cluster;
    this.target = target;
  }

  /** The same store, asked for longer, or not as long. */
  withTimeout(timeoutMs: number): StoreClient {
    return new StoreClient(this.cluster, { ...this.target, timeoutMs });
  }

  txn(operation: TxnOperation, repetition: Repetition = {}): Promise<Outcome<"txn">> {
    return this.command("txn", operation, repetition);
  }

  grantLease(id: LeaseId, ttlMs: number, repetition: Repetition = {}): Promise<Outcome<"lease">> {
    return this.command("lease", { kind: "leaseGrant", id, ttlMs }, repetition);
  }

  /** A lease with an id of its own: one that is there when this is sent again has been granted by this. */
  async grantNewLease(ttlMs: number): Promise<Outcome<"lease">> {
    const id = drawLeaseId();
    try {
      return await this.command("lease", { kind: "leaseGrant", id, ttlMs }, { harmless: true });
    } catch (error) {
      const isGranted = error instanceof ApiError && error.code === "lease_exists" && error.ambiguous;
      if (!isGranted) throw error;
      const { revision, position, ambiguous } = await this.keepAlive([id]);
      return { status: "lease", id, ttlMs, revision, position, ambiguous };
    }
  }

  /** Deletes the lease's keys, too. */
  async revokeLease(id: LeaseId): Promise<Pick<Outcome<"revoked">, "revision" | "position">> {
    try {
      return await this.command("revoked", { kind: "leaseRevoke", id }, { harmless: true });
    } catch (error) {
      const isRevoked = error instanceof ApiError && error.code === "lease_not_found" && error.ambiguous;
      if (!isRevoked) throw error;
      return await this.query("status", { kind: "status" });
    }
  }

  /** In the order of the ids: how long each lives from now on, null for an unknown lease. */
  keepAlive(ids: readonly LeaseId[]): Promise<Outcome<"keptAlive">> {
    return this.command("keptAlive", { kind: "leaseKeepAlive", ids }, { harmless: true });
  }

  range(operation: RangeOperation): Promise<Found<"range">> {
    return this.query("range", operation);
  }

  /** Replicates a command, and gives its result if that is of the expected kind. */
  async command<Status extends CommandResult["status"]>(
    status: Status,
    body: CommandBody,
    { idempotencyKey = null, harmless = false }: Repetition = {},
  ): Promise<Outcome<Status>> {
    const bytes = await encodeWrite(body, idempotencyKey === null ? null : { key: idempotencyKey, session: "" });
    const answer = await this.cluster.propose(this.target, bytes, harmless || idempotencyKey !== null);
    return outcomeOf(status, answer);
  }

  /** A linearizable read at the leader, unless said otherwise. */
  async query<Status extends QueryAnswer["status"]>(
    status: Status,
    query: Query,
    options: ReadOptions = {},
  ): Promise<Found<Status>> {
    return foundIn(status, await askNodes(this.cluster, this.target, options, encodeQuery(query)));
  }
}

/** The result of a command that a node has answered. Throws for a refusal, and for what is no such result. */
export function outcomeOf<Status extends CommandResult["status"]>(
  status: Status,
  { body, position, ambiguous }: NodeAnswer,
): Outcome<Status> {
  const result = decodeResult(body);
  // A refusal comes from the last attempt; an earlier one that is still on its way may yet take effect.
  if (result?.status === "refused") throw storeRefusal(result.refusal, { position, ambiguous }, result.revision);
  if (result?.status !== status) throw notUnderstood({ position, ambiguous: true });
  return { ...(result as Extract<CommandResult, { readonly status: Status }>), position, ambiguous };
}

/** The answer of a node to a query. Throws for a refusal, and for what is no such answer. */
export function foundIn<Status extends QueryAnswer["status"]>(
  status: Status,
  { body, position }: Pick<NodeAnswer, "body" | "position">,
): Found<Status> {
  const answer = decodeAnswer(body);
  if (answer?.status === "refused") throw storeRefusal(answer.refusal, { position }, answer.revision);
  if (answer?.status !== status) throw notUnderstood({ position, ambiguous: false });
  return { ...(answer as Extract<QueryAnswer, { readonly status: Status }>), position };
}

/** The nodes run another version than this Worker, and what their answer means is not known here. */
function notUnderstood(details: { readonly position: Position; readonly ambiguous: boolean }): ApiError {
  const may = details.ambiguous ? " What was asked for may have happened." : "";
  return new ApiError("unavailable", `The nodes run a version whose answer is not understood.${may}`, details);
}
