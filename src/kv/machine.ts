/** The key-value store as a replicated state machine: what each command does and each query finds. */

import type { CommittedCommand, Sql, StateMachine } from "../machine.ts";
import { encodeAnswer } from "./answer.ts";
import type { QueryAnswer } from "./answer.ts";
import { decodeCommand } from "./command.ts";
import type { Command, Precondition, PutCommand } from "./command.ts";
import { maxIdempotencyKeys } from "./limits.ts";
import { rangeOf } from "./order.ts";
import { Pairs } from "./pairs.ts";
import { decodeQuery } from "./query.ts";
import type { Query } from "./query.ts";
import { Remembered } from "./remembered.ts";
import { encodeResult } from "./result.ts";
import type { CommandResult } from "./result.ts";
import { prepareTables, readScalars, tableNames, writeScalars } from "./schema.ts";
import type { Scalars } from "./schema.ts";

/** The scalars while a batch is applied. */
interface Draft {
  revision: number;
  remembered: number;
}

/**
 * etcd's data model: a revision of the whole store, and for each key the revisions of its creation and last put and a
 * version that counts its puts. A put of the same value is a put; a delete of a missing key changes nothing.
 */
export class KeyValueMachine implements StateMachine {
  readonly tables = tableNames;
  private readonly sql: Sql;
  private readonly pairs: Pairs;
  private readonly remembered: Remembered;
  /** What the row of scalars holds. A turn that fails undoes the row and ends this machine together. */
  private scalars: Scalars;

  /** Creates its tables where they are missing. Every node of a group must be given the same `idempotencyKeys`. */
  constructor(sql: Sql, idempotencyKeys = maxIdempotencyKeys) {
    prepareTables(sql);
    this.sql = sql;
    this.scalars = readScalars(sql);
    this.pairs = new Pairs(sql);
    this.remembered = new Remembered(sql, idempotencyKeys);
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    const before = this.scalars;
    const draft: Draft = { revision: before.revision, remembered: before.remembered };
    const results = commands.map((committed) => this.applyOne(committed, draft));
    // Nothing is remembered without a change, so the revision alone tells.
    if (draft.revision !== before.revision) {
      writeScalars(this.sql, draft);
      this.scalars = draft;
    }
    return results;
  }

  query(query: Uint8Array): Uint8Array {
    const decoded = decodeQuery(query);
    return encodeAnswer(decoded === undefined ? { status: "malformed" } : this.answer(decoded));
  }

  private applyOne({ command: bytes, timeMs }: CommittedCommand, draft: Draft): Uint8Array {
    const command = decodeCommand(bytes);
    if (command === undefined) return encodeResult({ status: "malformed" });
    const { idempotency } = command;
    const recalled = idempotency === null ? undefined : this.remembered.recall(idempotency, timeMs);
    if (recalled === "reused") return encodeResult({ status: "idempotency_key_reused" });
    if (recalled !== undefined) return recalled;
    const revisionBefore = draft.revision;
    const result = encodeResult(this.execute(command, draft));
    // Only an effect is remembered: what was refused changed nothing, and trying it again is harmless.
    if (idempotency !== null && draft.revision !== revisionBefore) {
      this.remembered.remember(draft.remembered, idempotency, timeMs, result);
      draft.remembered += 1;
    }
    return result;
  }

  private execute(command: Command, draft: Draft): CommandResult {
    if (command.kind === "put" && command.precondition.kind === "none") return this.put(command, draft);
    const found = this.pairs.revisions(command.key);
    const modRevision = found?.modRevision ?? null;
    if (!holds(command.precondition, modRevision)) return { status: "precondition_failed", modRevision };
    if (command.kind === "put") return this.put(command, draft);
    if (found === undefined) return { status: "not_found" };
    draft.revision += 1;
    this.pairs.remove(command.key);
    return { status: "deleted", revision: draft.revision, ...found };
  }

  private put(command: PutCommand, draft: Draft): CommandResult {
    draft.revision += 1;
    const revisions = this.pairs.put(command.key, draft.revision, command.contentType, command.value);
    return { status: "put", created: revisions.createRevision === draft.revision, ...revisions };
  }

  private answer(query: Query): QueryAnswer {
    const { revision } = this.scalars;
    if (query.kind === "get") {
      const item = this.pairs.item(query.key, query.withValue);
      return item === undefined ? { status: "not_found", revision } : { status: "found", revision, item };
    }
    return { status: "page", revision, ...this.pairs.page(rangeOf(query), query.limit, query.keysOnly) };
  }
}

/** Whether a key that was last put at `modRevision`, or null for one that does not exist, satisfies a precondition. */
function holds(precondition: Precondition, modRevision: number | null): boolean {
  switch (precondition.kind) {
    case "none":
      return true;
    case "absent":
      return modRevision === null;
    case "present":
      return modRevision !== null;
    case "revision":
      return modRevision === precondition.modRevision;
  }
}
