/** Nodes that replicate a list of numbers, and a group of them. */

import { env } from "cloudflare:workers";
import type { Env } from "../../src/env.ts";
import type { Sql, StateMachine } from "../../src/machine.ts";
import { ReplicatedObject } from "../../src/node/replicated-object.ts";
import { NumberMachine } from "../support/number-machine.ts";
import { FaultyNetwork } from "./faulty-node.ts";
import { faults } from "./faults.ts";
import { bytes, TestGroup, text } from "./test-group.ts";

interface NumberEnv extends Env {
  readonly NUMBERS: Env["RAFT_NODE"];
}

const { NUMBERS } = env as unknown as NumberEnv;

export class NumberNode extends ReplicatedObject {
  constructor(ctx: DurableObjectState, given: NumberEnv) {
    const name = ctx.id.name ?? "";
    const RAFT_NODE = new FaultyNetwork(given.NUMBERS, name) as unknown as Env["RAFT_NODE"];
    super(ctx, { ...given, ...faults.variablesOf(name), RAFT_NODE });
  }

  protected override createStateMachine(sql: Sql): StateMachine {
    // A foreign key that is looked at when the write is committed, and then points nowhere.
    sql.exec("CREATE TABLE IF NOT EXISTS parents (id INTEGER PRIMARY KEY)");
    sql.exec("CREATE TABLE IF NOT EXISTS children (id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)");
    const machine = new NumberMachine(sql);
    const apply = machine.apply.bind(machine);
    machine.apply = (commands) => {
      const results = apply(commands);
      if (faults.takeSpoil(this.ctx.id.name ?? "")) sql.exec("INSERT INTO children VALUES (404)");
      return results;
    };
    return machine;
  }
}

/** A group of such nodes. */
export class NumberGroup extends TestGroup {
  /** The environment of a Worker in front of it. */
  readonly env: Env = { ...(env as unknown as Env), RAFT_NODE: NUMBERS };

  override stub(id: string): DurableObjectStub {
    return NUMBERS.getByName(this.object(id));
  }

  /** How many streams and WebSockets a node serves. */
  async subscribers(id: string): Promise<number> {
    return await this.metric(id, "durable_raft_subscribers");
  }

  /** Cuts a node off from the others. */
  isolate(id: string): void {
    for (const peer of this.ids) if (peer !== id) faults.cut(this.object(id), this.object(peer));
  }

  /** Adds a number to the list; answers its place. */
  async add(id: string, number: number | string): Promise<number> {
    const outcome = await this.propose(id, bytes(String(number)));
    if (!("done" in outcome)) throw new Error(JSON.stringify(outcome));
    return Number(text(outcome.done));
  }
}
