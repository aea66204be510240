/** `GET` and `HEAD` of `/kv/{key}`. */

import type { Item } from "../../kv/answer.ts";
import { maxContentTypeLength } from "../../kv/limits.ts";
import { isHeaderText } from "../../kv/text.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { entityTag, readCondition } from "../conditions.ts";
import { ApiError } from "../errors.ts";
import { keyOf } from "../key-path.ts";
import { Parameters } from "../parameters.ts";
import { headersWith, jsonResponse } from "../respond.ts";
import type { Position } from "../position.ts";
import { read, readParameters, unexpected } from "../read.ts";
import { defaultContentType, itemJson } from "../representation.ts";
import { splitPath, targetOf } from "../target.ts";

const known = [...readParameters, "format"];

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
  const request = c.req.raw;
  const { group, rest } = splitPath(c.req.path);
  const parameters = new Parameters(request.url, known);
  const asJson = parameters.choice("format", ["json"]) === "json";
  const target = targetOf(c.env, group, parameters);
  const withValue = asJson || request.method !== "HEAD";
  const { answer, position } = await read(cluster, target, parameters, { kind: "get", key: keyOf(rest), withValue });
  if (answer.status === "not_found") throw new ApiError("key_not_found", "There is no such key.", { position });
  if (answer.status !== "found") throw unexpected({ position });
  const etag = entityTag(answer.item.modRevision);
  switch (readCondition(request.headers, answer.item.modRevision)) {
    case "failed":
      throw new ApiError("precondition_failed", `The key's ETag is ${etag}.`, { position, headers: { etag } });
    case "not_modified":
      return new Response(null, { status: 304, headers: headersWith(position, { ...contentHeaders, etag }) });
    case "proceed":
      return asJson
        ? jsonResponse(200, { ...itemJson(answer.item), revision: answer.revision }, position, { etag })
        : valueResponse(answer.item, etag, position);
  }
}

function valueResponse(item: Item, etag: string, position: Position): Response {
  const { contentType, value, valueBytes } = item;
  const type = contentType !== "" && isHeaderText(contentType, maxContentTypeLength) ? contentType : defaultContentType;
  const headers = headersWith(position, { ...contentHeaders, "content-type": type, etag });
  // Without a body, as for HEAD, the length would not be known otherwise.
  if (value === null) headers["content-length"] = String(valueBytes);
  return new Response(value, { headers });
}
