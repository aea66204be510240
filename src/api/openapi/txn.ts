/** What the addresses of transactions, batches, compaction and sessions are, for the OpenAPI document. */

import { idempotencyHeaders, timeParameters } from "./parameters.ts";
import type { OperationDescription, ResourceDescription, Schema } from "./words.ts";
import { either, json, listOf, objectOf, oneOf, schemaOf, text, textThat, truth, whole } from "./words.ts";

const keyName = { key: text, key_encoding: oneOf("utf8", "base64") };
/** One key, a prefix, a range, or all. */
const span = { ...keyName, prefix: text, start: text, end: text, all: truth };
const optional = (properties: Readonly<Record<string, Schema>>, ...required: readonly string[]): Schema =>
  objectOf(
    properties,
    Object.keys(properties).filter((name) => !required.includes(name)),
  );
const int64 = either({ type: "integer" }, textThat("Decimal digits."));

const put = optional(
  {
    ...keyName,
    value: text,
    encoding: oneOf("utf8", "base64"),
    content_type: text,
    metadata: { description: "Any JSON." },
    ttl: either(text, whole),
    expires_at: either(text, whole),
    lease: int64,
    keep_lease: truth,
    keep_value: truth,
    previous: truth,
  },
  "key",
);

const get = optional({
  ...span,
  limit: whole,
  revision: whole,
  sort: oneOf("key", "version", "create_revision", "mod_revision", "value"),
  order: oneOf("ascending", "descending"),
  keys_only: truth,
  count_only: truth,
  min_mod_revision: whole,
  max_mod_revision: whole,
  min_create_revision: whole,
  max_create_revision: whole,
});

/** Compares, and the operations of both cases. An object that is written with a `then` would pass for a promise. */
function txnFields<Field>(...fields: readonly Field[]): Record<string, Field> {
  const names = ["if", "then", "else"];
  return Object.fromEntries(fields.map((field, at) => [names[at] ?? "", field]));
}

const revisions = { create_revision: whole, mod_revision: whole, version: whole };

const schemas: Readonly<Record<string, Schema>> = {
  Txn: optional(txnFields(listOf(schemaOf("Compare")), listOf(schemaOf("Operation")), listOf(schemaOf("Operation")))),
  Compare: {
    ...optional({
      ...span,
      exists: truth,
      target: oneOf("value", "version", "create_revision", "mod_revision", "lease"),
      op: oneOf("=", "!=", "<", ">"),
      to: either(text, { type: "integer" }),
      encoding: oneOf("utf8", "base64"),
    }),
    description: "`exists`, or `target` with `to`. Of several keys all must hold.",
  },
  Operation: either(
    objectOf({ put }),
    objectOf({ get }),
    objectOf({ delete: optional({ ...span, previous: truth }) }),
    objectOf({ increment: optional({ ...keyName, by: int64 }, "key") }),
    objectOf({ txn: schemaOf("Txn") }),
  ),
  OperationResult: either(
    objectOf({
      put: objectOf({ ...keyName, created: truth, ...revisions, lease: text, previous: schemaOf("Item") }, [
        "key_encoding",
        "lease",
        "previous",
      ]),
    }),
    objectOf({ get: objectOf({ items: listOf(schemaOf("Item")), count: whole, more: truth }) }),
    objectOf({ delete: objectOf({ deleted: whole, previous: listOf(schemaOf("Item")) }, ["previous"]) }),
    objectOf({ increment: objectOf({ ...keyName, value: text, created: truth, ...revisions }, ["key_encoding"]) }),
    objectOf({ txn: objectOf({ succeeded: truth, results: listOf(schemaOf("OperationResult")) }) }),
  ),
  TxnResult: objectOf({ succeeded: truth, results: listOf(schemaOf("OperationResult")), revision: whole }),
  LineResult: either({ allOf: [schemaOf("OperationResult"), objectOf({ revision: whole })] }, schemaOf("Error")),
  Compaction: objectOf({ compact_revision: whole, revision: whole }),
  Session: objectOf({ id: text, ttl_ms: whole }),
};

const repeated = ["idempotency_key_reused", "session_expired"] as const;
const ndjson = (schema: Schema) => ({
  "application/x-ndjson": { schema: { ...schema, description: "One JSON object a line." } },
});

const transact: OperationDescription = {
  id: "transact",
  summary: "Does one thing or another, depending on what there is, at one revision.",
  query: timeParameters,
  headers: idempotencyHeaders,
  body: {
    required: true,
    content: json(
      schemaOf("Txn"),
      txnFields(
        [{ key: "owner", exists: false }],
        [{ put: { key: "owner", value: "me" } }],
        [{ get: { key: "owner" } }],
      ),
    ),
  },
  answers: { 200: { description: "`succeeded` says which was done.", content: json(schemaOf("TxnResult")) } },
  errors: [
    ...(["invalid_body", "invalid_header", "too_large", "too_many_operations", "duplicate_key"] as const),
    ...(["answer_too_large", "compacted", "future_revision", "lease_not_found", "key_not_found"] as const),
    ...(["not_a_number", "number_overflow"] as const),
    ...repeated,
  ],
};

const writeAll: OperationDescription = {
  id: "writeAll",
  summary: "Many writes in one request, each for itself.",
  description: "A line that makes no sense is an error of the request, and then none is done.",
  query: timeParameters,
  headers: idempotencyHeaders,
  body: { required: true, content: ndjson(schemaOf("Operation")) },
  answers: { 200: { description: "A line for each line.", content: ndjson(schemaOf("LineResult")) } },
  errors: ["invalid_body", "invalid_header", "too_large", "too_many_operations"],
};

const compact: OperationDescription = {
  id: "compact",
  summary: "Forgets what only earlier revisions have.",
  query: timeParameters,
  headers: idempotencyHeaders,
  body: { required: true, content: json(objectOf({ revision: { ...whole, minimum: 1 } })) },
  answers: { 200: { description: "Forgotten.", content: json(schemaOf("Compaction")) } },
  errors: ["invalid_body", "invalid_header", "compacted", "future_revision", ...repeated],
};

const openSession: OperationDescription = {
  id: "openSession",
  summary: "Opens a session for idempotency keys.",
  query: timeParameters,
  headers: idempotencyHeaders,
  body: { required: false, content: json(optional({ ttl: either(text, whole) })) },
  answers: { 201: { description: "Its id, for `Idempotency-Session`.", content: json(schemaOf("Session")) } },
  errors: ["invalid_body", "invalid_header", "too_many_sessions", ...repeated],
};

export const txnDescription: ResourceDescription = {
  name: "transactions",
  description: "Several operations in one request; history and sessions.",
  place: "group",
  schemas,
  paths: {
    "/txn": { post: transact },
    "/batch": { post: writeAll },
    "/compact": { post: compact },
    "/sessions": { post: openSession },
  },
};
