/** What `/kv` is, for the OpenAPI document. */

import { conditionHeaders, idempotencyHeaders, readDescriptions, timeParameters } from "./parameters.ts";
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
const bytes: Schema = { type: "string", format: "binary" };

const schemas: Readonly<Record<string, Schema>> = {
  Item: objectOf({ ...key, ...value, ...revisions }, ["key_encoding", "value", "encoding"]),
  Written: objectOf({ ...key, revision: whole, ...revisions }, ["key_encoding"]),
  Page: objectOf({ items: listOf(schemaOf("Item")), cursor: either(text, nothing), revision: whole }),
};

const getKey: OperationDescription = {
  id: "getKey",
  summary: "Reads one key.",
  description: "The body is the value's bytes with the `Content-Type` that was stored. `HEAD` works, too.",
  query: {
    ...readDescriptions,
    format: { description: "`json`: an object with the value and all revisions.", schema: oneOf("json") },
  },
  headers: conditionHeaders,
  answers: {
    200: {
      description: "The value. Its `ETag` is the key's `mod_revision`.",
      content: { "*/*": { schema: bytes }, ...json(schemaOf("Item")) },
    },
    304: { description: "`If-None-Match` names the present revision." },
  },
  errors: ["invalid_key", "invalid_header", "key_not_found", "precondition_failed"],
};

const putKey: OperationDescription = {
  id: "putKey",
  summary: "Stores the body under the key.",
  query: timeParameters,
  headers: { ...conditionHeaders, ...idempotencyHeaders, "Content-Type": { description: "Kept beside the value." } },
  body: { required: false, content: { "*/*": { schema: bytes } } },
  answers: {
    200: { description: "Replaced.", content: json(schemaOf("Written")) },
    201: { description: "Created.", content: json(schemaOf("Written")) },
  },
  errors: [
    ...(["invalid_key", "invalid_header", "invalid_body", "unsupported_encoding", "too_large"] as const),
    ...(["precondition_failed", "idempotency_key_reused"] as const),
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
  errors: ["invalid_key", "invalid_header", "key_not_found", "precondition_failed", "idempotency_key_reused"],
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
    keys_only: { description: "Without values.", schema: truth },
  },
  answers: { 200: { description: "A page; `cursor` is null on the last one.", content: json(schemaOf("Page")) } },
  errors: [],
};

export const kvDescription: ResourceDescription = {
  name: "keys",
  description: "Keys and values.",
  place: "group",
  schemas,
  paths: {
    "/kv/{key}": { get: getKey, put: putKey, delete: deleteKey },
    "/kv": { get: listKeys },
  },
};
