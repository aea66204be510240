/** The shipped node, with variables, a network, and a state machine that obey the test's faults. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Env } from "../../src/env.ts";
import { KeyValueNode as ShippedNode } from "../../src/kv-node.ts";
import type { Sql, StateMachine } from "../../src/machine.ts";
import { faults } from "./faults.ts";

/** The calls that have followed from the event that is being handled, through promises and timers. */
const invocation = new AsyncLocalStorage<{ calls: number }>();

export class KeyValueNode extends ShippedNode {
  constructor(ctx: DurableObjectState, env: Env) {
    const name = ctx.id.name ?? "";
    countAlarms(ctx.storage, name);
    const RAFT_NODE = new FaultyNetwork(env.RAFT_NODE, name) as unknown as Env["RAFT_NODE"];
    super(ctx, { ...env, ...faults.variablesOf(name), RAFT_NODE });
  }

  override async fetch(request: Request): Promise<Response> {
    faults.activityOf(this.ctx.id.name ?? "").calls += 1;
    // A promise that nothing could settle would be found out, and the call cancelled.
    while (faults.silent.has(this.ctx.id.name ?? "")) await scheduler.wait(100);
    return await invocation.run({ calls: 0 }, () => super.fetch(request));
  }

  override async alarm(): Promise<void> {
    faults.activityOf(this.ctx.id.name ?? "").alarmsFired += 1;
    await invocation.run({ calls: 0 }, () => super.alarm());
  }

  protected override createStateMachine(sql: Sql): StateMachine {
    const machine = super.createStateMachine(sql);
    const apply = machine.apply.bind(machine);
    machine.apply = (commands) => {
      const results = apply(commands);
      if (faults.takeFailure(this.ctx.id.name ?? "")) throw new Error("the state machine broke");
      return results;
    };
    return machine;
  }
}

/** The part of a namespace that nodes use to call each other. */
export class FaultyNetwork {
  private readonly namespace: Env["RAFT_NODE"];
  private readonly from: string;

  constructor(namespace: Env["RAFT_NODE"], from: string) {
    this.namespace = namespace;
    this.from = from;
  }

  getByName(
    to: string,
    options?: DurableObjectNamespaceGetDurableObjectOptions,
  ): { fetch(url: string, init: RequestInit): Promise<Response> } {
    const call = (url: string, init: RequestInit): Promise<Response> =>
      this.namespace.getByName(to, options).fetch(url, init);
    return { fetch: (url, init) => this.carry(to, init, () => call(url, init)) };
  }

  private async carry(to: string, { signal }: RequestInit, call: () => Promise<Response>): Promise<Response> {
    const { from } = this;
    spend(from);
    if (faults.missing.has(to)) return new Response(`Worker "${to}" not found`, { status: 503 });
    if (faults.isCut(from, to)) return await silence(signal);
    const response = await call();
    if (faults.repeatingGroups.has(from.slice(0, from.indexOf("/")))) await (await call()).arrayBuffer();
    if (!faults.isCut(to, from)) return response;
    await response.arrayBuffer();
    return await silence(signal);
  }
}

function countAlarms(storage: DurableObjectStorage, object: string): void {
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...given) => {
    faults.activityOf(object).alarmsSet += 1;
    return setAlarm(...given);
  };
}

/** Counts a call of an object against what its event may spend. */
function spend(from: string): void {
  const budget = faults.budgets.get(from);
  const spent = invocation.getStore();
  if (budget === undefined || spent === undefined) return;
  spent.calls += 1;
  if (spent.calls <= budget) return;
  faults.refusedCalls += 1;
  throw new Error("Too many subrequests by single Worker invocation.");
}

/** A line that swallows everything: nothing comes back until the caller gives up. */
function silence(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });
}
