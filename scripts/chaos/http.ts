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

export async function send(
  method: "GET" | "PUT" | "POST" | "DELETE",
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | null = null,
): Promise<HttpOutcome> {
  try {
    const signal = AbortSignal.timeout(clientTimeoutMs);
    const answer = await request(url, { method, headers, body, signal, dispatcher: agent });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ECONNREFUSED" ? "nothing" : "unknown";
  }
}

export async function closeConnections(): Promise<void> {
  await agent.destroy();
}
