/** The public API in front of the nodes under test, as a client sees it. */

import { env } from "cloudflare:workers";
import { createApp } from "../../src/api/app.ts";
import type { Env } from "../../src/env.ts";
import type { TestGroup } from "./test-group.ts";

export interface ApiAnswer {
  readonly status: number;
  /** The body, or `error` of it. */
  readonly body: Record<string, unknown>;
}

/** What `members` of an answer says of each. */
export interface MemberJson {
  readonly id: string;
  readonly role: string;
  readonly promoting: boolean;
  readonly location_hint: string | null;
}

/** An isolate of the Worker: it knows of the group what wrangler.toml says, and what it has seen since. */
export class ApiClient {
  private readonly app = createApp();
  private readonly base: string;

  constructor(group: TestGroup) {
    this.base = `http://localhost/v1/groups/${group.name}`;
  }

  /** The answer as it is. */
  async fetch(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`${this.base}/${path}`, { ...init, method });
    return await this.app.fetch(request, { ...(env as unknown as Env), RAFT_OPEN: "loopback" });
  }

  async call(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await this.fetch(method, path, { ...(body !== undefined && { body: text }) });
    const answer: { readonly error?: Record<string, unknown> } = await response.json();
    return { status: response.status, body: answer.error ?? answer };
  }

  /** The members, each as `id role`, and with `promoting` if it waits for that. */
  async members(): Promise<string[]> {
    return membersOf(await this.call("GET", "cluster/members"));
  }

  async put(key: string, value: string): Promise<number> {
    return (await this.call("PUT", `kv/${key}`, value)).status;
  }
}

export function membersOf({ body }: ApiAnswer): string[] {
  const members = (body["members"] ?? []) as readonly MemberJson[];
  return members.map(({ id, role, promoting }) => `${id} ${role}${promoting ? " promoting" : ""}`);
}
