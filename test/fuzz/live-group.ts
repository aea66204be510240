/** A group of nodes that really replicate, all in one process, and what is to be seen of it from outside. */

import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { createApp } from "../../src/api/app.ts";
import type { Env } from "../../src/env.ts";
import { internalOrigin, internalPath } from "../../src/internal.ts";
import type { CommittedCommand } from "../../src/machine.ts";
import { decodeParts } from "../../src/parts.ts";
import { LoneObject } from "./lone-object.ts";
import { hashTables } from "./table-hash.ts";

const ids = ["n1", "n2", "n3"];
const settleMs = 10_000;
/** Followers are patient: a process that is busy with inputs is late with heartbeats. */
const timing = { heartbeatMs: 100, electionMinMs: 400, electionMaxMs: 5000 };

/** What is asked of a group for as long as it may take. */
export class BrokenGroupError extends Error {
  override readonly name = "BrokenGroupError";
}

export class LiveGroup {
  private readonly objects = new Map<string, LoneObject>();
  private readonly alarms = new Map<string, NodeJS.Timeout>();
  private readonly app = createApp();
  private readonly env: Env;
  private closed = false;
  /** Which request it is on whose behalf something happens, even when that has been answered long ago. */
  private readonly cause = new AsyncLocalStorage<number>();
  /** The request that has last proposed a command. */
  private readonly proposers = new Map<string, number>();
  /** The last of the log's commands that a node has applied, and that were looked at. */
  private lookedAtIndex = 0;
  /** The requests whose commands have changed anything. */
  private readonly effective = new Set<number>();

  constructor() {
    this.env = {
      RAFT_NODE: this as unknown as DurableObjectNamespace,
      RAFT_MEMBERS: ids.map((id) => ({ id, role: "voter" })),
      RAFT_PROFILE: "fuzz",
      RAFT_TIMINGS: { fuzz: timing },
      RAFT_OPEN: "loopback",
    };
  }

  /** A request to the Worker in front, with a number of its own. */
  async fetch(request: Request, number = 0): Promise<Response> {
    return await this.cause.run(number, async () => await this.app.fetch(request, this.env));
  }

  /** A call to a node, as the Worker in front makes it, with a number as requests have. */
  async call(name: string, request: Request, number: number): Promise<Response> {
    return await this.cause.run(number, async () => await this.getByName(name).fetch(request));
  }

  /** Whoever leads as far as he knows himself. */
  get leader(): string {
    return this.members().find(({ node }) => node.driver.raft.role === "leader")?.name ?? "default/n1";
  }

  /** Whether the request with this number has changed anything so far. */
  hasEffect(number: number): boolean {
    return this.effective.has(number);
  }

  /** As the binding `RAFT_NODE`. */
  getByName(name: string): { fetch: typeof fetch } {
    return {
      fetch: async (input, init): Promise<Response> => {
        const request = new Request(input, init);
        // As over a network: an answer is never there at once.
        await new Promise((resolve) => setImmediate(resolve));
        if (this.closed) throw new Error("Network connection lost.");
        await this.note(request.clone());
        return await this.object(name).fetch(request);
      },
    };
  }

  object(name: string): LoneObject {
    const known = this.objects.get(name);
    if (known !== undefined) return known;
    const made = new LoneObject(name, this.env, {
      onAlarm: (atMs) => this.wakeAt(name, atMs),
      onEffect: (command) => this.noteEffect(command),
    });
    this.objects.set(name, made);
    return made;
  }

  /** A node that has ended itself has found a broken invariant. */
  assertWhole(): void {
    for (const { name, aborted } of this.objects.values()) {
      if (aborted !== null) throw new BrokenGroupError(`${name} ended: ${aborted}`);
    }
  }

  /** A value is written and read again, and all members come to the same state. */
  async assertServing(): Promise<void> {
    this.assertWhole();
    const value = crypto.randomUUID();
    const url = "http://localhost/v1/kv/fuzz-probe";
    const put = await this.fetch(
      new Request(url, { method: "PUT", body: value, headers: { "idempotency-key": value } }),
    );
    if (!put.ok) throw new BrokenGroupError(`a write gets ${put.status}: ${await put.text()}`);
    const read = await (await this.fetch(new Request(url))).text();
    if (read !== value) throw new BrokenGroupError(`what was written is read as ${read}`);
    await this.assertEqual();
  }

  /** All timers end, and nothing is heard of the group any more. */
  close(): void {
    this.closed = true;
    for (const timer of this.alarms.values()) clearTimeout(timer);
    for (const object of this.objects.values()) {
      object.stop();
      object.sql.close();
    }
  }

  /** Whoever applies it first is asked; the others come to it when another request may have proposed the same. */
  private noteEffect({ index, command }: CommittedCommand): void {
    if (index <= this.lookedAtIndex) return;
    this.lookedAtIndex = index;
    this.effective.add(this.proposers.get(keyOf(command)) ?? 0);
  }

  private async note(request: Request): Promise<void> {
    const path = request.url.slice(internalOrigin.length);
    if (path !== internalPath.propose && path !== internalPath.proposeAll) return;
    const body = new Uint8Array(await request.arrayBuffer());
    const commands = path === internalPath.propose ? [body] : partsOf(body);
    for (const command of commands) this.proposers.set(keyOf(command), this.cause.getStore() ?? 0);
  }

  private wakeAt(name: string, atMs: number): void {
    clearTimeout(this.alarms.get(name));
    const wake = (): void => {
      if (!this.closed) void this.object(name).alarm();
    };
    this.alarms.set(name, setTimeout(wake, Math.max(0, atMs - Date.now())));
  }

  private async assertEqual(): Promise<void> {
    const untilMs = Date.now() + settleMs;
    for (;;) {
      const states = this.members().map((object) => stateOf(object));
      if (new Set(states).size === 1) return;
      if (Date.now() > untilMs) throw new BrokenGroupError(`the members' states differ: ${states.join(" ")}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  private members(): LoneObject[] {
    return [...this.objects.values()].filter(
      (object) =>
        object.name.startsWith("default/") && object.isNode && object.node.belonging.enrolment.standing === "member",
    );
  }
}

/** None in what is no batch. */
function partsOf(body: Uint8Array): readonly Uint8Array[] {
  try {
    return decodeParts(body);
  } catch {
    return [];
  }
}

function keyOf(command: Uint8Array): string {
  return createHash("sha1").update(command).digest("base64");
}

/** Up to where a node has applied, and a hash of all that it holds there. */
function stateOf({ node, sql }: LoneObject): string {
  return `${node.driver.raft.log.appliedIndex}:${hashTables(sql)}`;
}
