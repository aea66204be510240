/** `GET` and `HEAD` of `/kv/{key}`. */

import { maxContentTypeLength } from "../../kv/limits.ts";
import type { Item } from "../../kv/model.ts";
import { rangeOf } from "../../kv/operations.ts";
import { oneKey } from "../../kv/span.ts";
import { isHeaderText } from "../../kv/text.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { entityTag, readCondition } from "../conditions.ts";
import { ApiError } from "../errors.ts";
import { groupRequest } from "../group-request.ts";
import { keyOf } from "../key-path.ts";
import { metadataHeaders } from "../metadata.ts";
import { headersWith, jsonResponse } from "../respond.ts";
import type { Position } from "../position.ts";
import { read, readParameters, revisionOf } from "../read.ts";
import { defaultContentType, itemJson, leaseJson } from "../../kv/item-json.ts";

const known = [...readParameters, "format", "revision"];

/**
 * Stored content is anybody's: a browser shall neither guess what it is nor run it in this origin. Caches must ask, or
 * reads were not linearizable; nobody may transform, as that would weaken the ETag.
 */
const contentHeaders = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cache-control": "private, no-cache, no-transform",
};

export async function getKey(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const wanted = groupRequest(c, known);
  const asJson = wanted.parameters.choice("format", ["json"]) === "json";
  const keysOnly = !asJson && wanted.request.method === "HEAD";
  const revision = revisionOf(wanted.parameters);
  const query = rangeOf({ ...oneKey(keyOf(wanted.rest)), keysOnly, revision });
  const { range, position, revision: storeRevision } = await read(cluster, wanted, "range", query);
  const [item] = range.items;
  if (item === undefined) throw new ApiError("key_not_found", "There is no such key.", { position });
  const etag = entityTag(item.modRevision);
  switch (readCondition(wanted.headers, item.modRevision)) {
    case "failed":
      throw new ApiError("precondition_failed", `The key's ETag is ${etag}.`, { position, headers: { etag } });
    case "not_modified":
      return new Response(null, { status: 304, headers: headersWith(position, { ...contentHeaders, etag }) });
    case "proceed":
      return asJson
        ? jsonResponse(200, { ...itemJson(item), revision: storeRevision }, position, { etag })
        : valueResponse(item, etag, position);
  }
}

function valueResponse(item: Item, etag: string, position: Position): Response {
  const { contentType, value, valueBytes } = item;
  const type = contentType !== "" && isHeaderText(contentType, maxContentTypeLength) ? contentType : defaultContentType;
  const { lease } = leaseJson(item.lease);
  const headers = headersWith(position, {
    ...contentHeaders,
    "content-type": type,
    etag,
    ...metadataHeaders(item.metadata),
    ...(lease !== undefined && { "x-raft-lease": lease }),
  });
  // Without a body, as for HEAD, the length would not be known otherwise.
  if (value === null) headers["content-length"] = String(valueBytes);
  return new Response(value, { headers });
}
