/** The key-value store as a replicated state machine: bytes in, bytes out, and when it wants to be called by itself. */

import type { CommittedCommand, Sink, Sql, StateMachine, Subscription } from "../machine.ts";
import { encodeAnswer } from "./answer-codec.ts";
import { decodeCommand, encodeCommand } from "./command-codec.ts";
import * as limits from "./limits.ts";
import type { Command, CommandBody, CommandResult, Idempotency, Refusal } from "./model.ts";
import { decodeQuery } from "./query-codec.ts";
import { encodeResult } from "./result-codec.ts";
import { AutoCompaction } from "./store/auto-compaction.ts";
import type { Retention } from "./store/auto-compaction.ts";
import { Commands } from "./store/commands.ts";
import type { Moment } from "./store/commands.ts";
import { Compaction } from "./store/compaction.ts";
import { defaultIndexLimits } from "./store/key-index.ts";
import type { IndexLimits } from "./store/key-index.ts";
import { Queries } from "./store/queries.ts";
import { Remembered } from "./store/remembered.ts";
import type { Recalled } from "./store/remembered.ts";
import { equalMeta, storeTables, writeMeta } from "./store/schema.ts";
import { Sessions } from "./store/sessions.ts";
import { openParts } from "./store/store-parts.ts";
import type { StoreParts } from "./store/store-parts.ts";
import { WatchHub } from "./watch/watch-hub.ts";
import { defaultWatchLimits } from "./watch/watch-limits.ts";
import type { WatchLimits } from "./watch/watch-limits.ts";

/** All but the last two are rules of the replicated state: every node of a group must be given the same. */
export interface StoreOptions {
  readonly index?: IndexLimits;
  readonly maxAnswerBytes?: number;
  readonly idempotencyKeys?: number;
  readonly rememberedBytes?: number;
  readonly sessions?: number;
  readonly sessionCommands?: number;
  readonly sessionBytes?: number;
  /** How long history is kept without being told to forget it: for ever unless said. */
  readonly retention?: Retention;
  /** What this node does for its watches. */
  readonly watch?: WatchLimits;
}

type Repeatable = Pick<Command, "body"> & { readonly idempotency: Idempotency };

const timerBody: CommandBody = { kind: "timer" };

/**
 * etcd's data model: a revision of the whole store, and for each key the revisions of its creation and last put and a
 * version that counts its puts. A put of the same value is a put; a delete of a missing key changes nothing.
 */
export class KeyValueMachine implements StateMachine {
  readonly tables = storeTables;
  private readonly sql: Sql;
  private readonly parts: StoreParts;
  private readonly maxAnswerBytes: number;
  private readonly remembered: Remembered;
  private readonly sessions: Sessions;
  private readonly compaction: Compaction;
  private readonly autoCompaction: AutoCompaction;
  private readonly commands: Commands;
  private readonly queries: Queries;
  private readonly watches: WatchHub;

  /** Creates its tables where they are missing. Throws when another version of this code wrote them. */
  constructor(sql: Sql, options: StoreOptions = {}) {
    this.sql = sql;
    this.parts = openParts(sql, options.index ?? defaultIndexLimits);
    this.maxAnswerBytes = options.maxAnswerBytes ?? limits.maxAnswerBytes;
    this.remembered = new Remembered(sql, this.parts.meta, {
      commands: options.idempotencyKeys ?? limits.maxIdempotencyKeys,
      bytes: options.rememberedBytes ?? limits.maxRememberedBytes,
    });
    this.sessions = new Sessions(sql, {
      sessions: options.sessions ?? limits.maxSessions,
      commands: options.sessionCommands ?? limits.maxSessionCommands,
      bytes: options.sessionBytes ?? limits.maxSessionBytes,
    });
    this.compaction = new Compaction(this.parts, () => this.watches.hold());
    this.autoCompaction = new AutoCompaction(this.parts, options.retention ?? { kind: "forever" });
    this.commands = new Commands(this.parts, this.sessions, this.compaction);
    this.queries = new Queries(this.parts, this.maxAnswerBytes);
    this.watches = new WatchHub(this.parts, options.watch ?? defaultWatchLimits);
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    const { meta } = this.parts;
    const before = { ...meta };
    const results = commands.map((committed) => this.applyOne(committed));
    if (!equalMeta(before, meta)) writeMeta(this.sql, meta);
    return results;
  }

  /** Known of writes of few keys, unless they belong to a session, which they renew. */
  foresee({ command: bytes, index, timeMs }: CommittedCommand): Uint8Array | null {
    const command = decodeCommand(bytes);
    if (command === undefined) return null;
    const { body, idempotency } = command;
    if (idempotency !== null) {
      if (idempotency.session !== "") return null;
      const recalled = this.remembered.recall(idempotency, timeMs);
      if (recalled === "reused") return encodeResult(this.refused({ reason: "idempotency_key_reused" }));
      if (recalled !== undefined) return recalled;
    }
    const result = this.commands.foresee(body, { index, timeMs }, this.maxResultBytes(command));
    return result === null ? null : encodeResult(result);
  }

  query(query: Uint8Array, timeMs = 0): Uint8Array {
    const decoded = decodeQuery(query);
    if (decoded !== undefined) return encodeAnswer(this.queries.answer(decoded, timeMs));
    return encodeAnswer(this.refused({ reason: "malformed" }));
  }

  nextTimerMs(): number | null {
    const times = [this.ownTimerMs, this.autoCompaction.dueMs].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  timerCommand(): Uint8Array {
    const compactionMs = this.autoCompaction.dueMs;
    const isCompaction = compactionMs !== null && compactionMs <= (this.ownTimerMs ?? compactionMs);
    const body = isCompaction ? { kind: "compact" as const, revision: this.autoCompaction.target } : timerBody;
    return encodeCommand({ body, idempotency: null });
  }

  subscribe(request: Uint8Array, sink: Sink): Subscription {
    return this.watches.subscribe(request, sink);
  }

  publish(): void {
    this.watches.publish();
  }

  owesMessages(): boolean {
    return this.watches.owesMessages;
  }

  /** When a timer command has something to do. */
  private get ownTimerMs(): number | null {
    if (this.compaction.isPending) return this.parts.meta.timeMs;
    const times = [this.parts.leases.nextExpiryMs, this.sessions.nextExpiryMs].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  private applyOne({ command: bytes, index, timeMs }: CommittedCommand): Uint8Array {
    this.parts.meta.timeMs = timeMs;
    const command = decodeCommand(bytes);
    if (command === undefined) return encodeResult(this.refused({ reason: "malformed" }));
    const at = { index, timeMs };
    const { body, idempotency } = command;
    const maxBytes = this.maxResultBytes(command);
    return idempotency === null
      ? encodeResult(this.commands.execute(body, at, maxBytes).result)
      : this.applyOnce({ body, idempotency }, at, maxBytes);
  }

  /** Only an effect is remembered: what was refused changed nothing, and trying it again is harmless. */
  private applyOnce({ body, idempotency }: Repeatable, at: Moment, maxBytes: number): Uint8Array {
    const isOfSession = idempotency.session !== "";
    if (isOfSession && !this.sessions.use(idempotency.session, at.timeMs)) {
      return encodeResult(this.refused({ reason: "session_expired" }));
    }
    const recalled: Recalled = isOfSession
      ? this.sessions.recall(idempotency)
      : this.remembered.recall(idempotency, at.timeMs);
    if (recalled === "reused") return encodeResult(this.refused({ reason: "idempotency_key_reused" }));
    if (recalled !== undefined) return recalled;
    const { result, hasEffect } = this.commands.execute(body, at, maxBytes);
    const encoded = encodeResult(result);
    if (hasEffect && isOfSession) this.sessions.remember(idempotency, at.index, encoded);
    else if (hasEffect) this.remembered.remember(idempotency, at.timeMs, encoded);
    return encoded;
  }

  private maxResultBytes({ idempotency, maxAnswerBytes }: Command): number {
    const most = Math.min(this.maxAnswerBytes, maxAnswerBytes ?? Number.POSITIVE_INFINITY);
    return idempotency === null ? most : Math.min(most, limits.maxRememberedResultBytes);
  }

  private refused(refusal: Refusal): CommandResult & { status: "refused" } {
    return { status: "refused", revision: this.parts.meta.revision, refusal };
  }
}
