/** The key-value store in the words of the simulator's clients. */

import { decodeAnswer } from "../../../src/kv/answer-codec.ts";
import { decodeCommand, encodeCommand } from "../../../src/kv/command-codec.ts";
import { type Compare, fingerprintBytes, type Idempotency } from "../../../src/kv/model.ts";
import { conditional, putOf, rangeOf } from "../../../src/kv/operations.ts";
import { encodeQuery } from "../../../src/kv/query-codec.ts";
import { decodeResult } from "../../../src/kv/result-codec.ts";
import { oneKey } from "../../../src/kv/span.ts";
import type { Reading, StoreLanguage, Write, WriteResult } from "./language.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Between a value's name and what makes it longer. */
const separator = " ";

export const keyValueLanguage: StoreLanguage = {
  encodeWrite({ name, key: text, expectedRevision, idempotencyKey }: Write, padding: number): Uint8Array {
    const key = encoder.encode(text);
    const put = putOf({ key, value: encoder.encode(name + separator + "x".repeat(padding)) });
    return encodeCommand({
      body: conditional(put, comparesOf(key, expectedRevision), key),
      idempotency: idempotencyKey === null ? null : idempotencyOf(idempotencyKey),
    });
  },

  nameOf(command: Uint8Array): string {
    const body = decodeCommand(command)?.body;
    const [put] = body?.kind === "txn" ? body.success : [];
    if (put?.kind !== "put") throw new Error("not a put");
    return nameIn(put.value);
  },

  decodeResult(result: Uint8Array): WriteResult {
    const decoded = decodeResult(result);
    const [only] = decoded?.status === "txn" ? decoded.txn.results : [];
    if (only?.kind === "put") return { written: true, revision: only.modRevision };
    if (only?.kind === "range") return { written: false, revision: only.items[0]?.modRevision ?? null };
    throw new Error(`an unexpected result: ${decoded?.status}`);
  },

  encodeRead(key: string): Uint8Array {
    return encodeQuery(rangeOf(oneKey(encoder.encode(key))));
  },

  decodeRead(answer: Uint8Array): Reading | null {
    const decoded = decodeAnswer(answer);
    if (decoded?.status !== "range") throw new Error(`an unexpected answer: ${decoded?.status}`);
    const [item] = decoded.range.items;
    if (item === undefined) return null;
    if (item.value === null) throw new Error("an answer without the value");
    return { value: nameIn(item.value), revision: item.modRevision };
  },
};

function nameIn(value: Uint8Array): string {
  return decoder.decode(value).split(separator)[0] ?? "";
}

/** A key that does not exist counts as one that was last put at revision 0. */
function comparesOf(key: Uint8Array, expectedRevision: number | null): readonly Compare[] {
  if (expectedRevision === null) return [];
  return [{ ...oneKey(key), target: "mod", result: "equal", operand: expectedRevision }];
}

function idempotencyOf(key: string): Idempotency {
  const fingerprint = new Uint8Array(fingerprintBytes);
  encoder.encodeInto(key, fingerprint);
  return { key, fingerprint, session: "" };
}
