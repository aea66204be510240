/** The key-value store, watched: which of its commands have changed anything. */

import type {
  CommittedCommand,
  Sink,
  Sql,
  SqlCursor,
  SqlRow,
  SqlValue,
  StateMachine,
  Subscription,
} from "../../src/machine.ts";
import { decodeCommand } from "../../src/kv/command-codec.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";

const writing = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b/i;
/** It keeps the time of the newest command, which passes with those that change nothing, too. */
const bookkeeping = /^\s*UPDATE kv_meta\b/;

export class WatchedMachine implements StateMachine {
  private readonly onEffect: (command: CommittedCommand) => void;
  private readonly machine: KeyValueMachine;
  private written = false;

  constructor(sql: Sql, onEffect: (command: CommittedCommand) => void) {
    this.onEffect = onEffect;
    this.machine = new KeyValueMachine({
      exec: <Row extends SqlRow>(text: string, ...bindings: (SqlValue | Uint8Array)[]): SqlCursor<Row> => {
        const cursor = sql.exec<Row>(text, ...bindings);
        if (writing.test(text) && !bookkeeping.test(text) && cursor.rowsWritten > 0) this.written = true;
        return cursor;
      },
    });
  }

  get tables(): readonly string[] {
    return this.machine.tables;
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    return commands.flatMap((command) => {
      this.written = false;
      const results = this.machine.apply([command]);
      // Time that runs out is nobody's request.
      if (this.written && decodeCommand(command.command)?.body.kind !== "timer") this.onEffect(command);
      return results;
    });
  }

  query(query: Uint8Array, timeMs: number): Uint8Array {
    return this.machine.query(query, timeMs);
  }

  nextTimerMs(): number | null {
    return this.machine.nextTimerMs();
  }

  timerCommand(): Uint8Array {
    return this.machine.timerCommand();
  }

  subscribe(request: Uint8Array, sink: Sink): Subscription {
    return this.machine.subscribe(request, sink);
  }

  publish(): void {
    this.machine.publish();
  }
}
