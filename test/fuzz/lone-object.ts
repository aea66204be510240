/** The Durable Object of a node as workerd would run it, but in Node: its storage, its alarm, its end. */

import { internalHeader, internalOrigin } from "../../src/internal.ts";
import type { Env } from "../../src/env.ts";
import type { CommittedCommand, Sql, SqlRow, SqlValue, StateMachine } from "../../src/machine.ts";
import type { Node } from "../../src/node/node.ts";
import { ReplicatedObject } from "../../src/node/replicated-object.ts";
import { NodeSql } from "../support/node-sql.ts";
import { WatchedMachine } from "./watched-machine.ts";

/** What is told of an object. */
export interface Watcher {
  /** It wants to be woken; when nobody is told, nobody wakes it. */
  readonly onAlarm?: (atMs: number) => void;
  /** A command that was not a timer's has changed something. */
  readonly onEffect?: (command: CommittedCommand) => void;
}

/** What a `FuzzNode` may use of its surroundings. */
interface Surroundings {
  readonly makeMachine: (sql: Sql) => StateMachine;
}

class FuzzNode extends ReplicatedObject {
  protected override createStateMachine(sql: Sql): StateMachine {
    return (this.ctx as unknown as Surroundings).makeMachine(sql);
  }

  get node(): Node | null {
    return this["running"]?.node ?? null;
  }
}

/** Node has no such class; its own kind of stream waits for nothing, which is all that tells the two apart here. */
Object.assign(globalThis, { IdentityTransformStream: TransformStream });

export class LoneObject {
  readonly name: string;
  sql = new NodeSql();
  /** Why the object was ended; null while it was not. */
  aborted: string | null = null;
  private readonly env: Env;
  private readonly watcher: Watcher;
  private object: FuzzNode;

  constructor(name: string, env: Env, watcher: Watcher = {}) {
    this.name = name;
    this.env = env;
    this.watcher = watcher;
    this.object = this.begin();
  }

  /** The node, when the object has been used; its first use makes it. */
  get node(): Node {
    const { node } = this.object;
    if (node === null) throw new Error(`${this.name} has no node yet`);
    return node;
  }

  get isNode(): boolean {
    return this.object.node !== null;
  }

  async fetch(request: Request): Promise<Response> {
    return await this.object.fetch(request);
  }

  /** A call as the Worker in front or a peer makes it. */
  async call(path: string, body: BodyInit = "", headers: Record<string, string> = {}): Promise<Response> {
    const [group = "", node = ""] = this.name.split("/");
    const named = { [internalHeader.group]: group, [internalHeader.node]: node, ...headers };
    return await this.fetch(new Request(internalOrigin + path, { method: "POST", body, headers: named }));
  }

  async alarm(): Promise<void> {
    await this.object.alarm();
  }

  /** Another instance over the same storage, as after the end of one. */
  restart(): void {
    this.stop();
    this.object = this.begin();
  }

  /** Timers that are still running find nothing to do. */
  stop(): void {
    this.object.node?.stop();
  }

  /** Grows with each row that is written, whatever becomes of it. */
  get writes(): number {
    return Number(this.sql.exec<{ total: number }>("SELECT total_changes() AS total").toArray()[0]?.total);
  }

  private begin(): FuzzNode {
    this.aborted = null;
    // All that a node asks of its context.
    const context: Pick<DurableObjectState, "getWebSockets"> & Surroundings & Record<string, unknown> = {
      id: { name: this.name },
      storage: {
        sql: {
          exec: <Row extends SqlRow>(text: string, ...values: (SqlValue | Uint8Array)[]) =>
            this.sql.exec<Row>(text, ...values),
        },
        setAlarm: (atMs: number) => Promise.resolve(this.watcher.onAlarm?.(atMs)),
        deleteAll: () => Promise.resolve(void (this.sql = new NodeSql())),
      },
      abort: (reason: string) => void (this.aborted = reason),
      getWebSockets: () => [],
      makeMachine: (sql) => new WatchedMachine(sql, (command) => this.watcher.onEffect?.(command)),
    };
    return new FuzzNode(context as unknown as DurableObjectState, this.env);
  }
}
