/** Nodes that answer calls as a test says, and their namespace. */

import type { Env } from "../../src/env.ts";
import { internalHeader, internalOrigin, internalPath, type RefusalCode, refusalStatus } from "../../src/internal.ts";
import type { Target } from "../../src/api/target.ts";

/** A call as a node sees it. */
export interface ScriptedCall {
  readonly node: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly signal: AbortSignal | null;
}

export class ScriptedNodes {
  /** Calls but those for the status. */
  readonly calls: ScriptedCall[] = [];
  leader: string | null = "n1";
  term = 1;
  readonly ids: readonly string[] = ["n1", "n2", "n3"];
  /** What a node does with a call that is none for its status. */
  answer: (call: ScriptedCall) => Response | Promise<Response> = (call) => this.refuse(call.node, "not_leader");

  target(timeoutMs = 10_000): Target {
    const members = this.ids.map((id) => ({ id, role: "voter" }) as const);
    const env = { RAFT_NODE: this as unknown as DurableObjectNamespace, RAFT_MEMBERS: members } as unknown as Env;
    return { env, group: "g", members, timeoutMs };
  }

  getByName(name: string): { fetch: typeof fetch } {
    const node = name.slice("g/".length);
    return { fetch: (input, init) => this.take(node, new Request(input, init), init?.signal ?? null) };
  }

  headers(node: string): Record<string, string> {
    return {
      [internalHeader.node]: node,
      [internalHeader.term]: String(this.term),
      [internalHeader.index]: "7",
      ...(this.leader === null ? {} : { [internalHeader.leader]: this.leader }),
    };
  }

  respond(node: string, body: BodyInit): Response {
    return new Response(body, { headers: this.headers(node) });
  }

  refuse(node: string, code: RefusalCode, ambiguous = false): Response {
    const body = JSON.stringify({ code, message: "a node says so", ambiguous });
    return new Response(body, { status: refusalStatus, headers: this.headers(node) });
  }

  /** The nodes that were asked for more than their status, in order. */
  asked(): string[] {
    return this.calls.map(({ node }) => node);
  }

  private async take(node: string, request: Request, signal: AbortSignal | null): Promise<Response> {
    const path = request.url.slice(internalOrigin.length);
    if (path === internalPath.status) return this.respond(node, "{}");
    const body = new Uint8Array(await request.arrayBuffer());
    const call = { node, path, headers: request.headers, body, signal };
    this.calls.push(call);
    return await this.answer(call);
  }
}

/** As a stub does for an object that can't be reached. */
export function lost(): never {
  throw Object.assign(new Error("Network connection lost."), { retryable: true, remote: true });
}
