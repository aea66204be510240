/** A key-value machine over a database of its own, with the steps that a node would take. */

import { decodeAnswer } from "../../src/kv/answer.ts";
import type { QueryAnswer } from "../../src/kv/answer.ts";
import { encodeCommand } from "../../src/kv/command.ts";
import type { Command, DeleteCommand, PutCommand } from "../../src/kv/command.ts";
import { content } from "../../src/kv/content.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import { encodeQuery } from "../../src/kv/query.ts";
import type { Query } from "../../src/kv/query.ts";
import { decodeResult } from "../../src/kv/result.ts";
import type { CommandResult } from "../../src/kv/result.ts";
import type { CommittedCommand } from "../../src/machine.ts";
import { NodeSql } from "../support/node-sql.ts";

export class TestStore {
  readonly sql = new NodeSql();
  readonly machine: KeyValueMachine;

  constructor(idempotencyKeys?: number) {
    this.machine = new KeyValueMachine(this.sql, idempotencyKeys);
  }

  /** Applies commands as one batch, all at one time. */
  apply(commands: readonly Command[], timeMs = 0): CommandResult[] {
    return this.applyBytes(commands.map(encodeCommand), timeMs);
  }

  applyBytes(commands: readonly Uint8Array[], timeMs = 0): CommandResult[] {
    const batch = committed(commands, timeMs);
    return this.sql.transaction(() => this.machine.apply(batch)).map((result) => decodeResult(result)!);
  }

  query(query: Query): QueryAnswer {
    return decodeAnswer(this.machine.query(encodeQuery(query)))!;
  }

  content(): string[] {
    return [...content(this.sql)];
  }
}

/** Commands as a log hands them over; the machine does not care at which index. */
export function committed(commands: readonly Uint8Array[], timeMs = 0): CommittedCommand[] {
  return commands.map((command, position) => ({ index: position + 1, term: 1, timeMs, command }));
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** An unconditional put, but for what is given. */
export function put(key: string, value: string, more: Partial<PutCommand> = {}): PutCommand {
  return {
    kind: "put",
    key: bytes(key),
    value: bytes(value),
    contentType: "text/plain",
    precondition: { kind: "none" },
    idempotency: null,
    ...more,
  };
}

/** An unconditional delete, but for what is given. */
export function remove(key: string, more: Partial<DeleteCommand> = {}): DeleteCommand {
  return { kind: "delete", key: bytes(key), precondition: { kind: "none" }, idempotency: null, ...more };
}
