/** Our own HTTP API as doors: keys on one, what clients agree by and who belongs to the group on the other. */

import type { Outcome } from "./door.ts";
import { documentedStatus, unfitForClients } from "./documented-errors.ts";
import { type Answer, type Face, httpDoor } from "./http-door.ts";
import { coordinationExamples, keyExamples, names } from "./rest-examples.ts";

/** A place in a lock is taken before it is known who has the lock. */
const waited = new Set(["lock_held", "not_elected"]);
/** A health check has a page of its own. */
const timeout = "400ms";

const face: Pick<Face, "names" | "timeout" | "judge"> = { names, timeout, judge };

export const restDoor = httpDoor({ ...face, name: "rest", weight: 2, examples: keyExamples });
export const coordinationDoor = httpDoor({ ...face, name: "coordination", weight: 1, examples: coordinationExamples });

function judge(answer: Answer): Outcome {
  const { request, status, headers, body, hasEffect } = answer;
  // Whoever left has not heard.
  if (status === 0) return "refused";
  const reads = request.method === "GET" || request.method === "HEAD";
  if (reads && hasEffect) throw new Error("a read has changed something");
  if (status < 400) return "accepted";
  // A HEAD is answered by the headers alone.
  if (request.method === "HEAD") return checkStatus(status);
  // etcd's API has errors of its own.
  if (/\/v3(?:alpha|beta)?(?:\/|$)|\/(?:version|health)$/.test(new URL(request.url).pathname)) return "refused";
  if (!(headers.get("content-type") ?? "").startsWith("application/json")) throw new Error("an error that is not JSON");
  const { code, message, ambiguous } = readError(body);
  if (documentedStatus.get(code) !== status) throw new Error(`${status} ${code} is not documented: ${message}`);
  if (code === "internal") throw new Error("a mistake in the code");
  if (message.trim() === "" || unfitForClients.test(message)) throw new Error(`not for clients: ${message}`);
  if (hasEffect && !ambiguous && !waited.has(code)) throw new Error(`${code}, and something has changed`);
  return "refused";
}

function checkStatus(status: number): Outcome {
  if (![...documentedStatus.values()].includes(status) || status === 500) throw new Error(`HTTP ${status}`);
  return "refused";
}

function readError(body: string): { code: string; message: string; ambiguous: boolean } {
  const { error } = JSON.parse(body) as { readonly error?: Readonly<Record<string, unknown>> };
  const { code, message, ambiguous } = error ?? {};
  if (typeof code === "string" && typeof message === "string" && typeof ambiguous === "boolean") {
    return { code, message, ambiguous };
  }
  throw new Error(`an error of another form: ${body.slice(0, 200)}`);
}
