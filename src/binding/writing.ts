/** Writes that come over a binding. */

import { writeCompares } from "../api/conditions.ts";
import { ApiError } from "../api/errors.ts";
import { Fields } from "../api/json-fields.ts";
import { OperationReader } from "../api/operations/read-operation.ts";
import type { StoreClient } from "../api/store.ts";
import { write, type Written } from "../api/write.ts";
import { maxIdempotencyKeyLength } from "../kv/limits.ts";
import { isHeaderText } from "../kv/text.ts";
import type { Compare, OperationResult } from "../kv/model.ts";
import { conditional } from "../kv/operations.ts";
import { gatheredBytes } from "./bytes.ts";
import { entryOf, resultOf, txnOf } from "./entries.ts";
import { keyOf } from "./reading.ts";
import type * as types from "./types.ts";
import { wordsOf } from "./words.ts";

type Kind = "put" | "delete" | "increment";
type ResultOf<Wanted extends Kind> = Extract<OperationResult, { readonly kind: Wanted }>;

const conditionWords = ["if_revision", "if_absent", "if_present"] as const;
const writeWords = ["idempotency_key", ...conditionWords] as const;

export async function put(
  store: StoreClient,
  key: types.Bytes,
  value: unknown,
  options: types.PutOptions,
): Promise<types.PutResult> {
  const bytes = await gatheredBytes(value);
  if (bytes === undefined) throw new ApiError("invalid_body", "A value is text, bytes, or a stream of bytes.");
  const { result, revision } = await change(store, "put", key, { value: bytes }, options);
  const { createRevision, modRevision, version, created } = result;
  const { lease, previous } = resultOf(result) as Extract<types.OperationResult, { readonly kind: "put" }>;
  return { revision, created, createRevision, modRevision, version, lease, previous };
}

export async function remove(
  store: StoreClient,
  key: types.Bytes,
  options: types.DeleteOptions,
): Promise<types.DeleteResult> {
  const { result, revision } = await change(store, "delete", key, {}, options);
  return { revision, deleted: result.deleted, previous: result.previous.map(entryOf) };
}

export async function removeMany(
  store: StoreClient,
  span: types.Span,
  options: types.WriteOptions,
): Promise<types.DeleteResult> {
  const idempotency = idempotencyIn(new Fields(wordsOf(options), "", ["idempotency_key"]));
  const operation = { delete: wordsOf(span) };
  const { txn, revision } = await write(store.cluster, store.target, idempotency, "txn", (nowMs) => {
    return { kind: "txn", compares: [], success: [new OperationReader(nowMs).operation(operation, "")], failure: [] };
  });
  const [result] = txn.results;
  return { revision, deleted: result?.kind === "delete" ? result.deleted : 0, previous: [] };
}

export async function increment(
  store: StoreClient,
  key: types.Bytes,
  by: number | bigint,
  options: types.WriteOptions & types.Conditions,
): Promise<types.IncrementResult> {
  const { result, revision } = await change(store, "increment", key, { by }, options);
  const { created, value, modRevision } = result;
  return { revision, created, value: BigInt(value), modRevision };
}

export async function transact(
  store: StoreClient,
  txn: types.Txn,
  options: types.WriteOptions,
): Promise<types.TxnResult> {
  const idempotency = idempotencyIn(new Fields(wordsOf(options), "", ["idempotency_key"]));
  const words = wordsOf(txn);
  const asked = (nowMs: number) => new OperationReader(nowMs).txn(words, "");
  const written = await write(store.cluster, store.target, idempotency, "txn", asked);
  return txnOf(written.txn, written.revision);
}

/** Writes one key, if the conditions hold. */
async function change<Wanted extends Kind>(
  store: StoreClient,
  kind: Wanted,
  key: types.Bytes,
  content: object,
  options: object,
): Promise<Written<"txn"> & { readonly result: ResultOf<Wanted> }> {
  const words = wordsOf(options);
  const { own, rest } = split(words);
  const keyBytes = keyOf(key);
  const compares = comparesIn(own, keyBytes);
  const operation = { [kind]: { ...rest, ...(wordsOf(content) as object), key: keyBytes } };
  const asked = (nowMs: number) => {
    return conditional(new OperationReader(nowMs).operation(operation, ""), compares, keyBytes);
  };
  const written = await write(store.cluster, store.target, idempotencyIn(own), "txn", asked);
  const [result] = written.txn.results;
  if (!written.txn.succeeded) throw preconditionFailed(result, written);
  if (result?.kind !== kind) throw new Error(`a ${kind} was answered as a ${result?.kind}`);
  return { ...written, result: result as ResultOf<Wanted> };
}

/** What is said of the write itself, and what of its operation. */
function split(words: unknown): { readonly own: Fields; readonly rest: object } {
  const all = Object.entries(new Object(words) as Record<string, unknown>);
  const isOwn = ([name]: readonly [string, unknown]): boolean => writeWords.some((word) => word === name);
  const own = new Fields(Object.fromEntries(all.filter(isOwn)), "", writeWords);
  return { own, rest: Object.fromEntries(all.filter((entry) => !isOwn(entry))) };
}

/** In the words of HTTP, of which the API says which go together. */
function comparesIn(fields: Fields, key: Uint8Array): readonly Compare[] {
  const headers = new Headers();
  if (fields.has("if_revision")) headers.append("if-match", `"${fields.number("if_revision")}"`);
  if (fields.flag("if_present")) headers.append("if-match", "*");
  if (fields.flag("if_absent")) headers.set("if-none-match", "*");
  return writeCompares(headers, key);
}

function idempotencyIn(fields: Fields): { readonly key: string; readonly session: string } | null {
  const key = fields.text("idempotency_key");
  if (key === undefined) return null;
  if (key.length >= 1 && isHeaderText(key, maxIdempotencyKeyLength)) return { key, session: "" };
  return fields.refuse("idempotency_key", `is 1 to ${maxIdempotencyKeyLength} characters of ASCII`);
}

function preconditionFailed(result: OperationResult | undefined, { position, ambiguous }: Written<"txn">): ApiError {
  const [item] = result?.kind === "range" ? result.items : [];
  const message = item === undefined ? "There is no such key." : `The key's revision is ${item.modRevision}.`;
  const facts = { mod_revision: item?.modRevision ?? null };
  return new ApiError("precondition_failed", message, { position, ambiguous, facts });
}
