/** A state machine for tests, and the database that outlives the node which keeps it. */

import { SqlStorage } from "../../src/node/sql-storage.ts";
import type { CommittedCommand, Sql, StateMachine } from "../../src/machine.ts";
import type { Configuration } from "../../src/raft/configuration.ts";
import { NodeSql } from "../support/node-sql.ts";

/** What outlives the node: its database. */
export class Disk {
  readonly sql = new NodeSql();

  constructor(configuration: Configuration) {
    const identity = { group: "g", node: "n1", groupId: "f00d", storageId: "beef" };
    this.storage().create(identity, configuration);
  }

  storage(): SqlStorage {
    return new SqlStorage(this.sql, (work) => this.sql.transaction(work));
  }

  /** All commands that took effect, in order. */
  words(): string[] {
    return new WordList(this.sql).words();
  }
}

/** A state machine that lists the words it is given, and answers each with all words so far. */
export class WordList implements StateMachine {
  readonly tables = ["words"];
  /** Throws at this word, after having written it. */
  failsAt: string | null = null;
  /** Answers one result less than it was given commands. */
  forgetsResult = false;
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS words (position INTEGER PRIMARY KEY, word TEXT)");
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    const results = commands.map(({ command }) => {
      const word = decode(command);
      this.sql.exec("INSERT INTO words (word) VALUES (?)", word);
      if (word === this.failsAt) throw new Error(`broken by ${word}`);
      return encode(this.words().join(" "));
    });
    return this.forgetsResult ? results.slice(1) : results;
  }

  query(query: Uint8Array): Uint8Array {
    return encode(`${decode(query)}: ${this.words().join(" ")}`);
  }

  words(): string[] {
    const rows = this.sql.exec<{ word: string }>("SELECT word FROM words ORDER BY position");
    return rows.toArray().map(({ word }) => word);
  }
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
