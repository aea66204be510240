/** What a node may answer to a peer, and what must be true of it then. */

import { refusalStatus } from "../../src/internal.ts";
import type { Outcome } from "./door.ts";
import { unfitForClients } from "./documented-errors.ts";
import type { LoneNode } from "./lone-node.ts";

/** The codes of refused frames, as src/node/frame-refusal.ts has them. */
const codes = new Set(["bad_request", "joining", "fenced", "other_group", "stranger", "replaced", "removed"]);
/** Refusals by which a node learns that it has no part in the group any more, and remembers that. */
const lessons = new Set(["other_group", "replaced"]);

/** No input may keep a node busy for anything like so long, however busy the machine is. */
const maxBusyMs = 5000;

/**
 * Gives bytes to a node and judges what comes of them. What is refused has written nothing and changed nothing; what
 * contradicts the protocol ends the instance by an assertion, and by nothing else, so that all of it is undone.
 *
 * @param read reads an answer that is no refusal, and throws where it is none
 */
export async function judged(
  node: LoneNode,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  read: (answer: Uint8Array) => void,
): Promise<Outcome> {
  const { object } = node;
  const [before, writes] = [node.portrait(), object.writes];
  const beginMs = performance.now();
  const response = await object.call(path, bytes).catch((error: unknown) => {
    if (object.aborted !== null && error instanceof Error && error.name === "InvariantError") return null;
    throw error;
  });
  const busyMs = performance.now() - beginMs;
  if (busyMs > maxBusyMs) throw new Error(`it took ${Math.round(busyMs)} ms`);
  if (response === null) return "undone";
  if (object.aborted !== null) throw new Error(`the instance ended, and answered: ${object.aborted}`);
  if (response.status === 200) {
    read(new Uint8Array(await response.arrayBuffer()));
    return "accepted";
  }
  const { code, message, ambiguous } = await response.json<Record<string, unknown>>();
  if (response.status !== refusalStatus || !codes.has(String(code)) || ambiguous !== false) {
    throw new Error(`HTTP ${response.status} ${String(code)}`);
  }
  if (typeof message !== "string") throw new Error("a refusal without words");
  if (unfitForClients.test(message)) throw new Error(`not for peers: ${message}`);
  if (lessons.has(String(code))) return "accepted";
  if (object.writes !== writes) throw new Error(`${String(code)}, and something was written: ${message}`);
  if (node.portrait() !== before) throw new Error(`${String(code)}, and ${before} became ${node.portrait()}`);
  return "refused";
}
