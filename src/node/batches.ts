/** A batch of commands as a node takes it: what it must not hold, and the answer that tells of each command. */

import { type CommandOutcome, encodeOutcomes, maxBatchBytes, maxBatchCommands } from "../batch.ts";
import { MalformedError } from "../bytes/reader.ts";
import type { Refusal } from "../internal.ts";
import { decodeParts } from "../parts.ts";
import { answer, badRequest, refuse } from "./answers.ts";
import type { Node } from "./node.ts";
import { notLeader } from "./waiters.ts";

/** Replicates the commands in the body of a call. One of more than `maxCommandBytes` is refused without the others. */
export async function takeBatch(
  body: Uint8Array,
  node: Node,
  timeoutMs: number,
  maxCommandBytes: number,
): Promise<Response> {
  const commands = readCommands(body);
  if (commands === null) return badRequest("The body is no batch of commands.", node.answeredBy());
  const size = commands.reduce((sum, command) => sum + command.length, 0);
  if (commands.length > maxBatchCommands || size > maxBatchBytes) return refuse(tooLarge, node.answeredBy());
  // Whoever does not lead refuses them as one, as it would refuse a single one.
  if (node.driver.raft.role !== "leader") node.driver.rouse(null, node.nowMs());
  if (node.driver.raft.role !== "leader") return refuse(notLeading, node.answeredBy());
  const accepted = commands.filter(({ length }) => length <= maxCommandBytes);
  const outcomes = (await node.proposeAll(accepted, timeoutMs)).values();
  const told = commands.map(({ length }): CommandOutcome => {
    const message = `A command holds ${maxCommandBytes} bytes at most.`;
    if (length > maxCommandBytes) return { done: false, code: "too_large", message, ambiguous: false };
    // There is one for each that was accepted.
    return outcomes.next().value ?? notLeader;
  });
  return answer(encodeOutcomes(told), node.answeredBy());
}

/** Null for bytes that are none. */
function readCommands(body: Uint8Array): Uint8Array[] | null {
  try {
    return decodeParts(body);
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

const tooLarge: Refusal = {
  code: "too_large",
  message: `A batch holds ${maxBatchCommands} commands and ${maxBatchBytes} bytes of them at most.`,
  ambiguous: false,
};

const notLeading: Refusal = { code: notLeader.code, message: notLeader.message, ambiguous: false };
