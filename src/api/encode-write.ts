/** Makes a command's bytes, which take effect once if the request says under which key. */

import { encodeCommand } from "../kv/command-codec.ts";
import type { Command, CommandBody } from "../kv/model.ts";

/** Under which key, and in which session, a command takes effect once. */
export interface IdempotencyWords {
  readonly key: string;
  /** Empty for none. */
  readonly session: string;
}

export type WriteOptions = Pick<Command, "maxAnswerBytes"> & {
  /** What the client said, where the command depends on more than that. */
  readonly said?: CommandBody;
};

/** Without `once` for a command that does no harm when it is repeated, or that nobody repeats. */
export async function encodeWrite(
  body: CommandBody,
  once: IdempotencyWords | null,
  { said = body, ...limits }: WriteOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (once === null) return encodeCommand({ body, idempotency: null, ...limits });
  // All that was said is in these bytes, so their digest tells one request from another.
  const plain = encodeCommand({ body: said, idempotency: null });
  const fingerprint = new Uint8Array(await crypto.subtle.digest("SHA-256", plain));
  const { key, session } = once;
  return encodeCommand({ body, idempotency: { key, session, fingerprint }, ...limits });
}
