/** The JSON that a client keeps beside a value: in the header `X-Raft-Metadata`, and in JSON. */

import { parseMetadata } from "../kv/item-json.ts";
import { maxMetadataBytes } from "../kv/limits.ts";
import { isHeaderText } from "../kv/text.ts";
import { ApiError } from "./errors.ts";
import type { Refuse } from "./refuse.ts";

export const metadataHeader = "x-raft-metadata";
const tooLong = `takes ${maxMetadataBytes} bytes at most, characters beyond ASCII as \\u escapes`;
const beyondAscii = /[\u007f-\uffff]/g;

/** As it is stored: the client's own text; empty for none, and for `null`. */
export function metadataOfHeaders(headers: Headers): string {
  const text = headers.get(metadataHeader)?.trim() ?? "";
  if (text === "" || text === "null") return "";
  if (!isHeaderText(text, maxMetadataBytes)) throw new ApiError("invalid_header", `X-Raft-Metadata ${tooLong}.`);
  if (parseMetadata(text) === undefined) throw new ApiError("invalid_header", "X-Raft-Metadata must be JSON.");
  return text;
}

/** As it is stored, from a value in a JSON body; undefined and null stand for none. */
export function metadataOfJson(value: unknown, refuse: Refuse): string {
  if (value === undefined || value === null) return "";
  const text = JSON.stringify(value).replaceAll(beyondAscii, escaped);
  return text.length <= maxMetadataBytes ? text : refuse("metadata", tooLong);
}

/** For headers, which carry ASCII alone. */
export function metadataHeaders(text: string): Record<string, string> {
  const header = text.replaceAll(beyondAscii, escaped);
  return header !== "" && isHeaderText(header, header.length) ? { [metadataHeader]: header } : {};
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
