/** Cursors: where a list goes on, opaque to clients so that what is in them may change. */

import { maxKeyBytes } from "../kv/limits.ts";
import { decodeBase64Url, encodeBase64Url } from "../bytes/base64.ts";

const version = 1;

/** The list goes on behind `key`, whatever its other parameters are then. */
export function encodeCursor(key: Uint8Array): string {
  return encodeBase64Url(Uint8Array.of(version, ...key));
}

/** The last key of the page before; undefined for a text that is no cursor. */
export function decodeCursor(text: string): Uint8Array | undefined {
  const bytes = decodeBase64Url(text);
  if (bytes?.[0] !== version || bytes.length < 2 || bytes.length > maxKeyBytes + 1) return undefined;
  return bytes.subarray(1);
}
