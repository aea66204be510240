/** `GET /kv`: the keys in order, page by page. */

import { maxKeyBytes, maxPageItems } from "../../kv/limits.ts";
import type { ListQuery } from "../../kv/model.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { ApiError } from "../errors.ts";
import { groupRequest } from "../group-request.ts";
import type { Parameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";
import { read, readParameters, revisionOf } from "../read.ts";
import { itemJson, prefixJson } from "../../kv/item-json.ts";

const known = [
  ...readParameters,
  ...([
    "prefix",
    "start",
    "end",
    "limit",
    "cursor",
    "revision",
    "keys_only",
    "metadata",
    "reverse",
    "delimiter",
  ] as const),
];
const defaultLimit = 100;
const digits = /^\d{1,5}$/;

/**
 * The answer is `{items, cursor, revision}`: `cursor` leads to the next page and is null on the last one. Each page is
 * read at the store's revision, which it names, or at the one that is asked for: pages that are to show one state ask for
 * the first one's. A page may hold fewer items than `limit` when their values are large. With a delimiter there are
 * `common_prefixes`, too: they and the items are the page.
 */
export async function listKeys(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const wanted = groupRequest(c, known);
  const { parameters } = wanted;
  const withMetadata = parameters.flag("metadata");
  const query = listQuery(parameters);
  const { items, commonPrefixes, next, revision, position } = await read(cluster, wanted, "list", query);
  const body = {
    items: items.map((item) => itemJson(item, withMetadata)),
    ...(query.delimiter.length > 0 && { common_prefixes: commonPrefixes.map(prefixJson) }),
    cursor: next === null ? null : encodeCursor(next),
    revision,
  };
  return jsonResponse(200, body, position);
}

function listQuery(parameters: Parameters): ListQuery {
  return {
    kind: "list",
    prefix: bound(parameters, "prefix") ?? new Uint8Array(0),
    start: bound(parameters, "start"),
    end: bound(parameters, "end"),
    after: after(parameters),
    reverse: parameters.flag("reverse"),
    delimiter: bound(parameters, "delimiter") ?? new Uint8Array(0),
    limit: limit(parameters),
    keysOnly: parameters.flag("keys_only"),
    revision: revisionOf(parameters),
  };
}

/** Part of a key; an empty one bounds nothing. */
export function bound(parameters: Parameters, name: string): Uint8Array | null {
  const bytes = parameters.bytes(name);
  if (bytes === undefined || bytes.length === 0) return null;
  if (bytes.length <= maxKeyBytes) return bytes;
  throw new ApiError("invalid_parameter", `${name} is at most ${maxKeyBytes} bytes long.`);
}

/** An empty cursor is that of the first page. */
function after(parameters: Parameters): Uint8Array | null {
  const text = parameters.text("cursor");
  if (text === undefined || text === "") return null;
  const key = decodeCursor(text);
  if (key !== undefined) return key;
  throw new ApiError("invalid_parameter", "cursor must be one that an earlier page gave.");
}

function limit(parameters: Parameters): number {
  const text = parameters.text("limit");
  if (text === undefined) return defaultLimit;
  const number = digits.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= maxPageItems) return number;
  throw new ApiError("invalid_parameter", `limit must be a whole number from 1 to ${maxPageItems}.`);
}
