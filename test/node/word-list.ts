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

/**
 * A state machine that lists the words it is given, and answers each with all words so far. The word `timer <ms>` sets a
 * timer; each that rings leaves a word.
 */
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
    const results = commands.map(({ command, timeMs }) => {
      const word = decode(command) === ring ? `${ring} ${timeMs}` : decode(command);
      this.sql.exec("INSERT INTO words (word) VALUES (?)", word);
      if (word === this.failsAt) throw new Error(`broken by ${word}`);
      return encode(this.words().join(" "));
    });
    return this.forgetsResult ? results.slice(1) : results;
  }

  query(query: Uint8Array): Uint8Array {
    return encode(`${decode(query)}: ${this.words().join(" ")}`);
  }

  nextTimerMs(): number | null {
    const words = this.words();
    const rungMs = Math.max(...this.times(words, ring));
    const waiting = this.times(words, "timer").filter((timerMs) => timerMs > rungMs);
    return waiting.length === 0 ? null : Math.min(...waiting);
  }

  timerCommand(): Uint8Array {
    return encode(ring);
  }

  words(): string[] {
    const rows = this.sql.exec<{ word: string }>("SELECT word FROM words ORDER BY position");
    return rows.toArray().map(({ word }) => word);
  }

  private times(words: readonly string[], kind: string): number[] {
    return words.filter((word) => word.startsWith(`${kind} `)).map((word) => Number(word.slice(kind.length + 1)));
  }
}

const ring = "ring";

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
