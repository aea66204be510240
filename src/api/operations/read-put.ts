/** Puts, from JSON. */

import { maxContentTypeLength, maxValueBytes } from "../../kv/limits.ts";
import type { PutOperation } from "../../kv/model.ts";
import { putOf } from "../../kv/operations.ts";
import { isHeaderText } from "../../kv/text.ts";
import { Fields } from "../json-fields.ts";
import { lifetimeOf } from "../lifetime.ts";
import { metadataOfJson } from "../metadata.ts";
import { keyFields, readKey } from "./spans.ts";

const content = ["value", "encoding", "content_type", "metadata"] as const;
const life = ["ttl", "expires_at", "lease", "keep_lease"] as const;
const known = [...keyFields, ...content, ...life, "keep_value", "previous"];

/**
 * `{"key": "a", "value": "1"}`, and whatever else a put may say: `previous` asks for the item as it was before,
 * `keep_value` and `keep_lease` keep what the key has.
 */
export function readPutFields(value: unknown, place: string, nowMs: number): PutOperation {
  const fields = new Fields(value, place, known);
  const ignoreValue = fields.flag("keep_value");
  const hasContent = content.some((name) => fields.has(name));
  if (ignoreValue && hasContent) fields.refuse("keep_value", "leaves no room for another");
  if (!ignoreValue && !fields.has("value")) fields.refuse("value", "is needed");
  const words = {
    ttl: fields.words("ttl"),
    expires_at: fields.words("expires_at"),
    lease: fields.int64("lease"),
    keep_lease: fields.flag("keep_lease"),
  };
  return putOf({
    key: readKey(fields),
    value: valueOf(fields),
    contentType: contentTypeOf(fields),
    metadata: metadataOfJson(fields.value("metadata"), fields.refuse),
    ...lifetimeOf(words, nowMs, fields.refuse),
    previous: fields.flag("previous") ? "values" : "none",
    ignoreValue,
  });
}

function valueOf(fields: Fields): Uint8Array {
  const value = fields.bytes("value", "encoding") ?? new Uint8Array(0);
  return value.length <= maxValueBytes ? value : fields.refuse("value", `is at most ${maxValueBytes} bytes long`);
}

function contentTypeOf(fields: Fields): string {
  const contentType = fields.text("content_type") ?? "";
  if (isHeaderText(contentType, maxContentTypeLength)) return contentType;
  return fields.refuse("content_type", `is at most ${maxContentTypeLength} characters of ASCII`);
}
