/** Two objects that show the output gate: one writes and sends in a given order, the other remembers what reached it. */

import { DurableObject } from "cloudflare:workers";

/** Remembers the names of the messages that reached it, in order. */
export class Sink extends DurableObject {
  private readonly arrived: string[] = [];

  take(name: string): void {
    this.arrived.push(name);
  }

  /** What has arrived, in order. */
  names(): string[] {
    return this.arrived;
  }

  override async fetch(request: Request): Promise<Response> {
    this.take(await request.text());
    return new Response();
  }
}

/**
 * What a `Gate` can do. `write` is a write of the kind that a node's turn makes. `spoil` is one that succeeds at once but
 * can't be committed: a foreign key that is checked at the commit points nowhere. `abort` ends the object at once.
 */
export type Step =
  | { readonly kind: "write"; readonly name: string }
  | { readonly kind: "spoil"; readonly name: string }
  | { readonly kind: "send"; readonly name: string }
  | { readonly kind: "turns"; readonly count: number }
  | { readonly kind: "abort" };

export interface GateEnv {
  readonly GATE: DurableObjectNamespace<Gate>;
  readonly SINK: DurableObjectNamespace<Sink>;
}

export class Gate extends DurableObject<GateEnv> {
  constructor(ctx: DurableObjectState, env: GateEnv) {
    super(ctx, env);
    const { sql } = ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS parents (id INTEGER PRIMARY KEY)");
    sql.exec(`CREATE TABLE IF NOT EXISTS written (
      name TEXT, parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)`);
  }

  /** The names that were written and are durable. */
  written(): string[] {
    return this.ctx.storage.sql
      .exec<{ name: string }>("SELECT name FROM written ORDER BY rowid")
      .toArray()
      .map(({ name }) => name);
  }

  /** Takes the steps with nothing in between, but for the turns asked for; the answer comes after the last. */
  override async fetch(request: Request): Promise<Response> {
    const { sink, steps } = await request.json<{ readonly sink: string; readonly steps: readonly Step[] }>();
    for (const step of steps) {
      if (step.kind === "turns") await this.turns(step.count);
      else this.take(step, sink);
    }
    return new Response("done");
  }

  private take(step: Exclude<Step, { kind: "turns" }>, sink: string): void {
    switch (step.kind) {
      case "write":
        this.write(step.name, null);
        break;
      case "spoil":
        this.write(step.name, 404);
        break;
      case "send":
        void this.send(step.name, sink);
        break;
      case "abort":
        this.ctx.abort("aborted by the test");
        break;
    }
  }

  /** In a transaction, as the driver does it. */
  private write(name: string, parent: number | null): void {
    const { storage } = this.ctx;
    storage.transactionSync(() => storage.sql.exec("INSERT INTO written VALUES (?, ?)", name, parent));
  }

  private async send(name: string, sink: string): Promise<void> {
    try {
      const response = await this.env.SINK.getByName(sink).fetch("https://sink.test/", { method: "POST", body: name });
      await response.arrayBuffer();
    } catch {
      // The object was reset before the message left.
    }
  }

  /** Lets other events be handled. */
  private async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await scheduler.wait(0);
  }
}
