/** Batches of commands between the Worker in front and the leader: their limits, and what became of each command. */

import { ByteReader } from "./bytes/reader.ts";
import { ByteWriter } from "./bytes/writer.ts";
import type { RefusalCode } from "./internal.ts";
import { decodeParts, encodeParts } from "./parts.ts";

/** How many commands a batch holds at most. */
export const maxBatchCommands = 1000;
/** How many bytes of commands a batch holds at most. */
export const maxBatchBytes = 8 * 1024 * 1024;
/**
 * How many bytes of keys and values the answers to a batch hold at most, together, each command having an equal share: all
 * of them are in memory at once, on every node, which has 128 MB.
 */
export const maxBatchAnswerBytes = 32 * 1024 * 1024;

/** What became of one command of a batch: its result, or why it has none. */
export type CommandOutcome =
  | { readonly done: true; readonly result: Uint8Array; readonly index: number }
  | { readonly done: false; readonly code: RefusalCode; readonly message: string; readonly ambiguous: boolean };

const [doneMark, refusedMark] = [1, 0];

/** In the order of the commands. */
export function encodeOutcomes(outcomes: readonly CommandOutcome[]): Uint8Array<ArrayBuffer> {
  return encodeParts(outcomes.map(encodeOutcome));
}

/** Throws a `MalformedError` for what `encodeOutcomes` has not made. */
export function decodeOutcomes(body: Uint8Array): CommandOutcome[] {
  return decodeParts(body, maxBatchCommands).map(decodeOutcome);
}

function encodeOutcome(outcome: CommandOutcome): Uint8Array {
  if (outcome.done) {
    const { index, result } = outcome;
    return new ByteWriter(9 + result.length).u8(doneMark).u53(index).raw(result).finish();
  }
  const { code, message, ambiguous } = outcome;
  return new ByteWriter(64)
    .u8(refusedMark)
    .u8(ambiguous ? 1 : 0)
    .text(code)
    .text(message)
    .finish();
}

function decodeOutcome(part: Uint8Array): CommandOutcome {
  const reader = new ByteReader(part);
  if (reader.u8() === doneMark) {
    const index = reader.u53();
    return { done: true, index, result: reader.raw(reader.remaining) };
  }
  // A newer node may have reasons that are not known here, and may say more about them.
  const ambiguous = reader.u8() !== 0;
  return { done: false, ambiguous, code: reader.text() as RefusalCode, message: reader.text() };
}
