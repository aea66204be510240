/** Nodes that replicate timers, and a group of them. */

import { env } from "cloudflare:workers";
import type { Env } from "../../src/env.ts";
import { internalHeader, internalPath } from "../../src/internal.ts";
import type { CommittedCommand, Sql, StateMachine } from "../../src/machine.ts";
import { ReplicatedObject } from "../../src/node/replicated-object.ts";
import { FaultyNetwork } from "./faulty-node.ts";
import { faults } from "./faults.ts";
import { bytes, eventually, json, TestGroup, text } from "./test-group.ts";

interface TimerEnv extends Env {
  readonly TIMERS: Env["RAFT_NODE"];
}

const { TIMERS } = env as unknown as TimerEnv;

/** A command of the state machine's own that was applied, and the timers that were due by then. */
export interface Ring {
  readonly timeMs: number;
  readonly timers: readonly number[];
}

/** `set <ms>` sets a timer for so many milliseconds later and answers when it is due; `ring` is the timers' own command. */
class TimerMachine implements StateMachine {
  readonly tables = ["timers", "rings"];
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS timers (due_ms INTEGER PRIMARY KEY)");
    sql.exec("CREATE TABLE IF NOT EXISTS rings (position INTEGER PRIMARY KEY, time_ms INTEGER, timers TEXT)");
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    return commands.map(({ command, timeMs }) => {
      const [word, inMs] = text(command).split(" ");
      if (word === "set") {
        this.sql.exec("INSERT OR IGNORE INTO timers VALUES (?)", timeMs + Number(inMs));
        return bytes(String(timeMs + Number(inMs)));
      }
      const due = this.sql.exec<{ due_ms: number }>("DELETE FROM timers WHERE due_ms <= ? RETURNING due_ms", timeMs);
      const timers = JSON.stringify(due.toArray().map((row) => row.due_ms));
      this.sql.exec("INSERT INTO rings (time_ms, timers) VALUES (?, ?)", timeMs, timers);
      return bytes("");
    });
  }

  query(): Uint8Array {
    const rows = this.sql.exec<{ time_ms: number; timers: string }>("SELECT * FROM rings ORDER BY position").toArray();
    return bytes(`[${rows.map(({ time_ms: timeMs, timers }) => `{"timeMs":${timeMs},"timers":${timers}}`).join()}]`);
  }

  nextTimerMs(): number | null {
    return this.sql.exec<{ next: number | null }>("SELECT min(due_ms) AS next FROM timers").toArray()[0]?.next ?? null;
  }

  timerCommand(): Uint8Array {
    return bytes("ring");
  }
}

export class TimerNode extends ReplicatedObject {
  constructor(ctx: DurableObjectState, given: TimerEnv) {
    const name = ctx.id.name ?? "";
    const RAFT_NODE = new FaultyNetwork(given.TIMERS, name) as unknown as Env["RAFT_NODE"];
    super(ctx, { ...given, ...faults.variablesOf(name), RAFT_NODE });
  }

  protected override createStateMachine(sql: Sql): StateMachine {
    return new TimerMachine(sql);
  }
}

/** A group of such nodes. */
export class TimerGroup extends TestGroup {
  override stub(id: string): DurableObjectStub {
    return TIMERS.getByName(this.object(id));
  }

  /** Sets a timer; answers when it is due. */
  async set(id: string, inMs: number): Promise<number> {
    const outcome = await this.propose(id, bytes(`set ${inMs}`));
    if (!("done" in outcome)) throw new Error(JSON.stringify(outcome));
    return Number(text(outcome.done));
  }

  /** What has rung, as far as a node has applied it. */
  async rings(id: string): Promise<readonly Ring[]> {
    const stale = { [internalHeader.consistency]: "stale" };
    return json(await this.call(id, internalPath.query, bytes(""), stale)) as readonly Ring[];
  }

  /** Waits until all nodes rest. */
  async rests(): Promise<void> {
    await eventually("rest everywhere", async () => {
      return (await this.statuses()).every(({ quiescent }) => quiescent) ? true : null;
    });
  }
}
