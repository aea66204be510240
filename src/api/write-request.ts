/** Turns the parameters, headers and body of a put into what is asked of the store. */

import { maxContentTypeLength } from "../kv/limits.ts";
import { conditional, putOf } from "../kv/operations.ts";
import { isHeaderText } from "../kv/text.ts";
import { readBody } from "./body.ts";
import { writeCompares } from "./conditions.ts";
import { ApiError } from "./errors.ts";
import type { GroupRequest } from "./group-request.ts";
import { lifetimeOf } from "./lifetime.ts";
import { metadataOfHeaders } from "./metadata.ts";
import { refuseWith } from "./refuse.ts";
import { idempotencyOf } from "./write.ts";
import type { Asked } from "./write.ts";

export const putParameters = ["ttl", "expires_at", "lease", "keep_lease"] as const;

/** All but the body is looked at before the body is read. */
export async function readPut({ request, headers, parameters }: GroupRequest, key: Uint8Array): Promise<Asked> {
  const compares = writeCompares(headers, key);
  const contentType = contentTypeOf(headers);
  const metadata = metadataOfHeaders(headers);
  const words = {
    ttl: parameters.text("ttl"),
    expires_at: parameters.text("expires_at"),
    lease: parameters.text("lease"),
    keep_lease: parameters.flag("keep_lease"),
  };
  const refuse = refuseWith("invalid_parameter");
  lifetimeOf(words, Date.now(), refuse);
  const value = await readBody(request);
  return (nowMs) => {
    const put = putOf({ key, value, contentType, metadata, ...lifetimeOf(words, nowMs, refuse) });
    return conditional(put, compares, key);
  };
}

function contentTypeOf(headers: Headers): string {
  const contentType = headers.get("content-type") ?? "";
  if (!isHeaderText(contentType, maxContentTypeLength)) {
    throw new ApiError("invalid_header", `Content-Type is at most ${maxContentTypeLength} characters of ASCII.`);
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new ApiError("unsupported_encoding", "Values are stored as they are sent: use no Content-Encoding.");
  }
  if (headers.has("content-range")) throw new ApiError("invalid_header", "A value can't be put in parts.");
  return contentType;
}

/** For what is made safe to send again in another way, which `advice` tells. */
export function refuseIdempotency(headers: Headers, advice: string): void {
  if (!headers.has("idempotency-key") && !headers.has("idempotency-session")) return;
  throw new ApiError("invalid_header", `An Idempotency-Key can't be kept here: ${advice}.`);
}

/** For what takes no part in sessions. */
export function idempotencyKeyOf(headers: Headers): string | null {
  const idempotency = idempotencyOf(headers);
  if (idempotency === null || idempotency.session === "") return idempotency?.key ?? null;
  throw new ApiError("invalid_header", "Idempotency-Session is for keys, transactions and batches.");
}
