/** Groups of nodes over the real store that agree at once: they serve commands, reads and streams, and fail when told to. */

import type { Env } from "../../src/env.ts";
import { internalHeader, internalOrigin, internalPath, refusalStatus } from "../../src/internal.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import type { NodeStatus, Refusal } from "../../src/internal.ts";
import { StreamOutlet } from "../../src/node/stream-outlet.ts";
import { Subscriptions } from "../../src/node/subscriptions.ts";
import { NodeSql } from "../support/node-sql.ts";

interface StoreNode {
  machine: KeyValueMachine;
  readonly subscriptions: Subscriptions;
  readonly outlets: Set<StreamOutlet>;
}

/** The binding `RAFT_NODE`, for one group; time passes in it when a test says so. */
export class StoreGroup {
  readonly ids = ["n1", "n2", "n3"];
  leader = "n1";
  term = 1;
  index = 1;
  timeMs = 1_700_000_000_000;
  /** Nodes that can't be reached. */
  readonly down = new Set<string>();
  /** The answers to so many commands are lost on their way, after they took effect. */
  losses = 0;
  /** What was asked of nodes, in order, as `node path`. */
  readonly calls: string[] = [];
  private readonly nodes = new Map<string, StoreNode>();

  constructor() {
    for (const id of this.ids) {
      const machine = new KeyValueMachine(new NodeSql());
      this.nodes.set(id, { machine, subscriptions: new Subscriptions(machine), outlets: new Set() });
    }
  }

  /** The environment of a Worker that is bound to these nodes, open to requests for `localhost`. */
  env(): Env {
    return {
      RAFT_NODE: this as unknown as DurableObjectNamespace,
      RAFT_MEMBERS: this.ids.map((id) => ({ id, role: "voter" })),
      RAFT_PROFILE: "laptop",
      RAFT_TIMINGS: {},
      RAFT_OPEN: "loopback",
    };
  }

  /** How many streams are open. */
  get streams(): number {
    return [...this.nodes.values()].reduce((sum, { subscriptions }) => sum + subscriptions.count, 0);
  }

  getByName(name: string): { fetch: typeof fetch } {
    const node = name.slice(name.indexOf("/") + 1);
    return {
      fetch: async (input, init): Promise<Response> => {
        const request = new Request(input, init);
        const path = request.url.slice(internalOrigin.length);
        this.calls.push(`${node} ${path}`);
        // As over a network: an answer is never there at once.
        await new Promise((resolve) => setImmediate(resolve));
        if (this.down.has(node)) throw Object.assign(new Error("Network connection lost."), { retryable: true });
        return this.answer(node, path, request, new Uint8Array(await request.arrayBuffer()));
      },
    };
  }

  /** Cluster time passes, and what is due is done. */
  advance(durationMs: number): void {
    this.timeMs += durationMs;
    const { machine } = this.node(this.leader);
    for (let dueMs = machine.nextTimerMs(); dueMs !== null && dueMs <= this.timeMs; dueMs = machine.nextTimerMs()) {
      this.apply(machine.timerCommand());
    }
  }

  /** Time passes without anything that is written. */
  tick(durationMs: number): void {
    this.timeMs += durationMs;
    for (const { subscriptions } of this.nodes.values()) subscriptions.tick(this.timeMs);
  }

  /** A node loses its memory and its connections; another one leads if it did. */
  crash(id: string): void {
    this.down.add(id);
    this.node(id).subscriptions.breakOff();
    if (id !== this.leader) return;
    this.leader = this.ids.find((other) => !this.down.has(other)) ?? id;
    this.term += 1;
  }

  restart(id: string): void {
    this.down.delete(id);
  }

  private node(id: string): StoreNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  private apply(command: Uint8Array): Uint8Array {
    this.index += 1;
    const committed = { index: this.index, term: this.term, timeMs: this.timeMs, command };
    const results = this.ids.map((id) => {
      const { machine, subscriptions } = this.node(id);
      const [result] = machine.apply([committed]);
      subscriptions.published(machine);
      return result;
    });
    const [result] = results;
    if (result === undefined) throw new Error("a command without a result");
    return result;
  }

  private answer(id: string, path: string, request: Request, body: Uint8Array): Response {
    const stale = request.headers.get(internalHeader.consistency) === "stale";
    if (path === internalPath.status) return this.respond(id, JSON.stringify(this.statusOf(id)));
    if (path === internalPath.subscribe) return this.subscribe(id, request, body);
    if (!stale && id !== this.leader) return this.refuse(id, { code: "not_leader", message: "no", ambiguous: false });
    if (path === internalPath.query) return this.respond(id, this.node(id).machine.query(body));
    const result = this.apply(body);
    if (this.losses === 0) return this.respond(id, result);
    this.losses -= 1;
    throw Object.assign(new Error("Network connection lost."), { retryable: true });
  }

  private subscribe(id: string, request: Request, body: Uint8Array): Response {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const { subscriptions } = this.node(id);
    let leave: (() => void) | null = null;
    const outlet = new StreamOutlet(writable.getWriter(), this.timeMs, () => leave?.());
    leave = subscriptions.open(body, outlet);
    request.signal.addEventListener("abort", () => leave?.());
    return this.respond(id, readable);
  }

  private respond(id: string, body: BodyInit): Response {
    return new Response(body, { headers: this.headers(id) });
  }

  private refuse(id: string, refusal: Refusal): Response {
    return new Response(JSON.stringify(refusal), { status: refusalStatus, headers: this.headers(id) });
  }

  private headers(id: string): Record<string, string> {
    return {
      [internalHeader.node]: id,
      [internalHeader.term]: String(this.term),
      [internalHeader.index]: String(this.index),
      [internalHeader.leader]: this.leader,
    };
  }

  private statusOf(id: string): Partial<NodeStatus> {
    const leads = this.leader === id;
    const log = { firstIndex: 1, lastIndex: this.index, lastTerm: this.term, commitIndex: this.index };
    return {
      id,
      group: "default",
      role: leads ? "leader" : "follower",
      term: this.term,
      leader: this.leader,
      log: { ...log, appliedIndex: this.index },
      members: [],
      standing: "member",
      generation: 0,
    };
  }
}
