/** The network between the processes: every call of one node to another passes here, and what the rules say happens to it. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Random } from "../../test/sim/random.ts";
import { deliveryPath, nodeOf } from "./routed-namespace.ts";

/** What happens to whatever travels from one node to another, one way. */
export interface LinkRule {
  readonly blocked: boolean;
  /** Blocks what nodes tell each other, and lets through what the Worker asks of them. */
  readonly peersBlocked: boolean;
  readonly lossRate: number;
  /** Of calls between nodes. The Worker's calls are repeated by nobody: a write without an idempotency key would be two. */
  readonly duplicateRate: number;
  readonly delayMs: number;
  /** The delay is up to so much shorter or longer. */
  readonly jitterMs: number;
  /** Of all that takes the link, one message after the other. Infinite for a link as fast as this machine. */
  readonly bytesPerMs: number;
}

const perfectLink: LinkRule = {
  blocked: false,
  peersBlocked: false,
  lossRate: 0,
  duplicateRate: 0,
  delayMs: 0,
  jitterMs: 0,
  bytesPerMs: Number.POSITIVE_INFINITY,
};

/** A rule for some of the links, for as long as it is in force. */
export interface Condition {
  readonly applies: (from: string, to: string) => boolean;
  readonly rule: Partial<LinkRule>;
}

/** A call that has come through, with its answer. */
export interface Exchange {
  readonly from: string;
  readonly to: string;
  readonly path: string;
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
}

/** The call whose answer does not end by itself. */
const streamPath = "subscribe";
/** A slow link keeps so much, and loses what comes beyond that. */
const mostBehindMs = 1000;
/** How often it is looked whether a link that was cut is there again. */
const lookMs = 50;

const betweenNodes: ReadonlySet<string> = new Set(["raft", "snapshot"]);

/** After so long a call that nobody answers is forgotten; the nodes give up much earlier. */
const forgetAfterMs = 15_000;

export class Network {
  private readonly conditions = new Set<Condition>();
  /** When each link will have carried what is on its way; of those that are not as fast as this machine. */
  private readonly freeAtMs = new Map<string, number>();
  /** How many calls have met with what. */
  readonly counts = { passed: 0, blocked: 0, lost: 0, duplicated: 0, delayed: 0, queued: 0, failed: 0 };
  /** Is shown every call between nodes when its caller is about to get the answer. */
  onExchange: (exchange: Exchange) => void = () => {};
  private readonly random: Random;
  private readonly urlOf: (node: string) => string | null;
  private readonly server: Server;
  private readonly agent = new Agent({ keepAliveTimeout: 4000, connections: 256, pipelining: 1 });
  private closing = false;

  /** @param urlOf where a node's process takes requests; null when it does not run */
  constructor(random: Random, urlOf: (node: string) => string | null) {
    this.random = random;
    this.urlOf = urlOf;
    this.server = createServer((incoming, outgoing) => void this.carry(incoming, outgoing));
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.closing = true;
    this.server.closeAllConnections();
    this.server.close();
    await this.agent.destroy();
  }

  /** Puts a condition into force; the answer lifts it. */
  impose(condition: Condition): () => void {
    this.conditions.add(condition);
    return () => void this.conditions.delete(condition);
  }

  private link(from: string, to: string): LinkRule {
    let rule = perfectLink;
    for (const condition of this.conditions) {
      if (condition.applies(from, to)) rule = { ...rule, ...condition.rule };
    }
    return rule;
  }

  private async carry(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const [, from = "", name = "", path = ""] = (incoming.url ?? "").split("/");
      const to = nodeOf(decodeURIComponent(name));
      const body = await readAll(incoming);
      const headers = passedOn(incoming.headers);
      const isOfPeers = betweenNodes.has(path);
      if (!(await this.passes(from, to, body.length, isOfPeers))) return this.vanish(outgoing);
      if (path === streamPath) {
        const opened = await this.open(to, name, path, headers, body);
        return await this.stream(from, to, opened, outgoing);
      }
      if (isOfPeers && this.random.chance(this.link(from, to).duplicateRate)) {
        this.counts.duplicated += 1;
        void this.forward(to, name, path, headers, body).catch(() => {});
      }
      const answer = await this.forward(to, name, path, headers, body);
      if (!(await this.passes(to, from, answer.body.length, isOfPeers))) return this.vanish(outgoing);
      this.counts.passed += 1;
      this.onExchange({ from, to, path, request: body, answer: answer.body });
      outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      // The other end is gone: its caller sees a connection that breaks.
      this.counts.failed += 1;
      outgoing.destroy();
    }
  }

  /** Lets time pass as the link has it; false for what never arrives. */
  private async passes(from: string, to: string, bytes: number, isOfPeers: boolean): Promise<boolean> {
    const rule = this.link(from, to);
    const queueMs = this.queueMs(`${from} ${to}`, bytes / rule.bytesPerMs);
    if (queueMs === null || this.random.chance(rule.lossRate)) {
      this.counts.lost += 1;
      return false;
    }
    const waitMs = rule.delayMs + this.random.between(-rule.jitterMs, rule.jitterMs) + queueMs;
    if (waitMs >= 1) {
      this.counts.delayed += 1;
      await sleep(waitMs);
    }
    // What was on its way when the link was cut does not arrive either.
    const { blocked, peersBlocked } = this.link(from, to);
    if (!blocked && !(peersBlocked && isOfPeers)) return true;
    this.counts.blocked += 1;
    return false;
  }

  /** How long a message takes on a link that carries one after the other; null if there is no place to wait. */
  private queueMs(link: string, ownMs: number): number | null {
    if (ownMs === 0) return 0;
    const nowMs = performance.now();
    const behindMs = Math.max(0, (this.freeAtMs.get(link) ?? 0) - nowMs);
    if (behindMs > mostBehindMs) return null;
    if (behindMs > 0) this.counts.queued += 1;
    this.freeAtMs.set(link, nowMs + behindMs + ownMs);
    return behindMs + ownMs;
  }

  /** Nobody answers: the caller waits until it gives up by itself. */
  private vanish(outgoing: ServerResponse): void {
    const timer = setTimeout(() => outgoing.destroy(), forgetAfterMs);
    timer.unref();
    outgoing.once("close", () => clearTimeout(timer));
  }

  private async forward(to: string, ...call: Call): Promise<Answer> {
    const { statusCode: status, headers, body } = await this.open(to, ...call);
    return { status, headers: passedOn(headers), body: new Uint8Array(await body.arrayBuffer()) };
  }

  /** Makes the call; its answer has begun. */
  private open(to: string, name: string, path: string, headers: Headers, body: Uint8Array): Promise<Opened> {
    const url = this.urlOf(to);
    if (url === null || this.closing) throw new Error(`${to} does not run`);
    return request(`${url}${deliveryPath}${name}/${path}`, {
      method: "POST",
      headers,
      body,
      dispatcher: this.agent,
      headersTimeout: forgetAfterMs,
      bodyTimeout: forgetAfterMs,
    });
  }

  /** Passes on what comes, as it comes. A link that is cut holds it up, and breaks it if that lasts. */
  private async stream(
    from: string,
    to: string,
    { statusCode, headers, body }: Opened,
    outgoing: ServerResponse,
  ): Promise<void> {
    outgoing.writeHead(statusCode, passedOn(headers));
    outgoing.once("close", () => body.destroy());
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      for (let heldMs = 0; this.link(to, from).blocked; heldMs += lookMs) {
        if (heldMs > forgetAfterMs) throw new Error("the link was cut for too long");
        await sleep(lookMs);
      }
      if (!outgoing.write(chunk)) await once(outgoing, "drain");
    }
    outgoing.end();
  }
}

type Headers = Record<string, string>;
type Call = readonly [name: string, path: string, headers: Headers, body: Uint8Array];
type Opened = Awaited<ReturnType<typeof request>>;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

async function readAll(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** The headers that are of the protocol between nodes, and not of the connection. */
function passedOn(headers: IncomingMessage["headers"]): Headers {
  const own = Object.entries(headers).filter(([name]) => name.startsWith("x-raft-") || name === "content-type");
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
}
