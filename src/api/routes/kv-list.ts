/** `GET /kv`: the keys in order, page by page. */

import { maxKeyBytes, maxPageItems } from "../../kv/limits.ts";
import type { ListQuery } from "../../kv/query.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { ApiError } from "../errors.ts";
import { Parameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";
import { read, readParameters, unexpected } from "../read.ts";
import { itemJson } from "../representation.ts";
import { splitPath, targetOf } from "../target.ts";

const known = [...readParameters, "prefix", "start", "end", "limit", "cursor", "keys_only"];
const defaultLimit = 100;
const digits = /^\d{1,5}$/;

/**
 * The answer is `{items, cursor, revision}`: `cursor` leads to the next page and is null on the last one. Each page is
 * read at the present revision; a page may hold fewer items than `limit` when their values are large.
 */
export async function listKeys(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { group } = splitPath(c.req.path);
  const parameters = new Parameters(c.req.raw.url, known);
  const target = targetOf(c.env, group, parameters);
  const { answer, position } = await read(cluster, target, parameters, listQuery(parameters));
  if (answer.status !== "page") throw unexpected({ position });
  const last = answer.more ? answer.items.at(-1) : undefined;
  const body = {
    items: answer.items.map(itemJson),
    cursor: last === undefined ? null : encodeCursor(last.key),
    revision: answer.revision,
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
    limit: limit(parameters),
    keysOnly: parameters.flag("keys_only"),
  };
}

/** Part of a key; an empty one bounds nothing. */
function bound(parameters: Parameters, name: string): Uint8Array | null {
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
