/** What the addresses of keys and values are, for the OpenAPI document. */

import {
  bookmarkHeaders,
  conditionHeaders,
  idempotencyHeaders,
  lifetimeDescriptions,
  readDescriptions,
  timeParameters,
} from "./parameters.ts";
import type { OperationDescription, ResourceDescription, Schema } from "./words.ts";
import { either, json, listOf, nothing, objectOf, oneOf, schemaOf, text, textThat, truth, whole } from "./words.ts";

const revisions = { create_revision: whole, mod_revision: whole, version: whole };
const key = {
  key: textThat("As it is when it is UTF-8, else in base64."),
  key_encoding: { const: "base64", description: "Present when the key is not UTF-8." },
};
const value = {
  value: textThat("As it is when it is UTF-8, else in base64."),
  encoding: oneOf("utf8", "base64"),
  value_bytes: whole,
  content_type: text,
};
const lease = textThat("The lease that the key is attached to; left out for none.");
const metadata = { description: "JSON that was stored beside the value; left out for none." };
const bytes: Schema = { type: "string", format: "binary" };

const schemas: Readonly<Record<string, Schema>> = {
  Item: objectOf({ ...key, ...value, metadata, lease, ...revisions }, [
    "key_encoding",
    "value",
    "encoding",
    "metadata",
    "lease",
  ]),
  Written: objectOf({ ...key, revision: whole, ...revisions, lease }, ["key_encoding", "lease"]),
  Number: objectOf({ ...key, value: textThat("Decimal digits."), revision: whole, ...revisions }, ["key_encoding"]),
  Page: objectOf(
    {
      items: listOf(schemaOf("Item")),
      common_prefixes: listOf(objectOf({ prefix: text, prefix_encoding: { const: "base64" } }, ["prefix_encoding"])),
      cursor: either(text, nothing),
      revision: whole,
    },
    ["common_prefixes"],
  ),
  Deletion: objectOf({ deleted: whole, revision: whole }),
  KeyName: either(text, objectOf(key, ["key_encoding"])),
  Found: objectOf({ items: listOf(either(schemaOf("Item"), nothing)), revision: whole }),
};

const getKey: OperationDescription = {
  id: "getKey",
  summary: "Reads one key.",
  description: "The body is the value's bytes with the `Content-Type` that was stored. `HEAD` works, too.",
  query: {
    ...readDescriptions,
    format: { description: "`json`: an object with the value and all revisions.", schema: oneOf("json") },
    revision: { description: "A revision of the store, whose state is read.", schema: { ...whole, minimum: 1 } },
  },
  headers: { ...conditionHeaders, ...bookmarkHeaders },
  answers: {
    200: {
      description:
        "The value. `ETag` is the key's `mod_revision`, `X-Raft-Metadata` its metadata, `X-Raft-Lease` its lease.",
      content: { "*/*": { schema: bytes }, ...json(schemaOf("Item")) },
    },
    304: { description: "`If-None-Match` names the present revision." },
  },
  errors: [
    ...(["invalid_key", "invalid_header", "key_not_found", "precondition_failed"] as const),
    ...(["compacted", "future_revision", "future_index", "bookmark_lost"] as const),
  ],
};

const writeErrors = [
  ...(["invalid_key", "invalid_header", "precondition_failed"] as const),
  ...(["idempotency_key_reused", "session_expired"] as const),
] as const;

const putKey: OperationDescription = {
  id: "putKey",
  summary: "Stores the body under the key.",
  query: { ...timeParameters, ...lifetimeDescriptions },
  headers: {
    ...conditionHeaders,
    ...idempotencyHeaders,
    "Content-Type": { description: "Kept beside the value." },
    "X-Raft-Metadata": { description: "JSON in ASCII, kept beside the value." },
  },
  body: { required: false, content: { "*/*": { schema: bytes } } },
  answers: {
    200: { description: "Replaced.", content: json(schemaOf("Written")) },
    201: { description: "Created.", content: json(schemaOf("Written")) },
  },
  errors: [
    ...writeErrors,
    ...(["invalid_body", "unsupported_encoding", "too_large", "lease_not_found", "key_not_found"] as const),
  ],
};

const deleteKey: OperationDescription = {
  id: "deleteKey",
  summary: "Deletes one key.",
  query: timeParameters,
  headers: { ...conditionHeaders, ...idempotencyHeaders },
  answers: {
    200: { description: "Deleted; its last revisions, and the store's after it.", content: json(schemaOf("Written")) },
  },
  errors: [...writeErrors, "key_not_found"],
};

const incrementKey: OperationDescription = {
  id: "incrementKey",
  summary: "Adds to a number.",
  description:
    "The value is a whole number of 64 bits in decimal digits; a key that does not exist counts as 0. The last segment of " +
    "the path is no part of the key, whatever the key ends with.",
  query: { ...timeParameters, by: { description: "What to add; 1 unless said.", schema: { type: "integer" } } },
  headers: { ...conditionHeaders, ...idempotencyHeaders },
  answers: {
    200: { description: "The sum.", content: json(schemaOf("Number")) },
    201: { description: "The key is new.", content: json(schemaOf("Number")) },
  },
  errors: [...writeErrors, "invalid_body", "not_a_number", "number_overflow", "method_not_allowed"],
};

const listKeys: OperationDescription = {
  id: "listKeys",
  summary: "Keys in the order of their bytes, page by page.",
  query: {
    ...readDescriptions,
    prefix: { description: "Only keys that begin with it." },
    start: { description: "Only keys from it on." },
    end: { description: "Only keys before it." },
    limit: { description: "100 unless said.", schema: { type: "integer", minimum: 1, maximum: 1000 } },
    cursor: { description: "The `cursor` of the page before." },
    revision: {
      description: "A revision of the store, whose state is read: that of the first page, for all to show one state.",
      schema: { ...whole, minimum: 1 },
    },
    keys_only: { description: "Without values.", schema: truth },
    metadata: { description: "With metadata.", schema: truth },
    reverse: { description: "From the last key to the first.", schema: truth },
    delimiter: { description: "Keys that have it behind the prefix are summed up as one common prefix." },
  },
  headers: bookmarkHeaders,
  answers: { 200: { description: "A page; `cursor` is null on the last one.", content: json(schemaOf("Page")) } },
  errors: ["invalid_header", "compacted", "future_revision", "future_index", "bookmark_lost"],
};

const deleteKeys: OperationDescription = {
  id: "deleteKeys",
  summary: "Deletes all keys with a prefix, at one revision.",
  query: {
    ...timeParameters,
    prefix: { description: "Which keys; not empty." },
    all: { description: "Every key, instead of a prefix.", schema: truth },
  },
  headers: idempotencyHeaders,
  answers: { 200: { description: "How many there were.", content: json(schemaOf("Deletion")) } },
  errors: ["invalid_header", "idempotency_key_reused", "session_expired"],
};

const getKeys: OperationDescription = {
  id: "getKeys",
  summary: "Reads several keys at one revision.",
  query: readDescriptions,
  headers: bookmarkHeaders,
  body: {
    required: true,
    content: json(
      objectOf({ keys: { ...listOf(schemaOf("KeyName")), minItems: 1, maxItems: 100 }, keys_only: truth }, [
        "keys_only",
      ]),
    ),
  },
  answers: { 200: { description: "In the order of the keys; null for none.", content: json(schemaOf("Found")) } },
  errors: ["invalid_body", "invalid_header", "too_large", "answer_too_large", "future_index", "bookmark_lost"],
};

export const kvDescription: ResourceDescription = {
  name: "keys",
  description: "Keys and values.",
  place: "group",
  schemas,
  paths: {
    "/kv/{key}": { get: getKey, put: putKey, delete: deleteKey },
    "/kv/{key}/increment": { post: incrementKey },
    "/kv": { get: listKeys, delete: deleteKeys },
    "/get": { post: getKeys },
  },
};
