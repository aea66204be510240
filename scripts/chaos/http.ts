/** One request of a client, and what is left of it when the process at the other end dies. */

import { Agent, request } from "undici";
import { clientTimeoutMs } from "./face.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** `nothing` for a request that has reached nobody. */
export type HttpOutcome = HttpAnswer | "nothing" | "unknown";

const agent = new Agent({ keepAliveTimeout: 2000, connections: 64, pipelining: 1 });

/** How often requests were answered with which status. */
export const statuses = new Map<number, number>();
/** The answers that say that the service itself is broken, which no fault may lead to. */
export const breakdowns: string[] = [];

export async function send(
  method: "GET" | "PUT" | "POST" | "DELETE",
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | null = null,
): Promise<HttpOutcome> {
  try {
    const signal = AbortSignal.timeout(clientTimeoutMs);
    const answer = await request(url, { method, headers, body, signal, dispatcher: agent });
    const text = await answer.body.text();
    note(answer.statusCode, `${method} ${new URL(url).pathname}`, text);
    return { status: answer.statusCode, headers: answer.headers, text };
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ECONNREFUSED" ? "nothing" : "unknown";
  }
}

function note(status: number, asked: string, text: string): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (status === 500) breakdowns.push(`${asked}: ${text}`);
}

export async function closeConnections(): Promise<void> {
  await agent.destroy();
}
