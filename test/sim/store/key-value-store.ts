/** The key-value store in the words of the simulator's clients. */

import { decodeAnswer } from "../../../src/kv/answer.ts";
import { decodeCommand, encodeCommand, fingerprintBytes } from "../../../src/kv/command.ts";
import type { Idempotency, Precondition } from "../../../src/kv/command.ts";
import { encodeQuery } from "../../../src/kv/query.ts";
import { decodeResult } from "../../../src/kv/result.ts";
import type { Reading, StoreLanguage, Write, WriteResult } from "./language.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Between a value's name and what makes it longer. */
const separator = " ";

export const keyValueLanguage: StoreLanguage = {
  encodeWrite({ name, key, expectedRevision, idempotencyKey }: Write, padding: number): Uint8Array {
    return encodeCommand({
      kind: "put",
      key: encoder.encode(key),
      value: encoder.encode(name + separator + "x".repeat(padding)),
      contentType: "",
      precondition: preconditionOf(expectedRevision),
      idempotency: idempotencyKey === null ? null : idempotencyOf(idempotencyKey),
    });
  },

  nameOf(command: Uint8Array): string {
    const decoded = decodeCommand(command);
    if (decoded?.kind !== "put") throw new Error("not a put");
    return nameIn(decoded.value);
  },

  decodeResult(result: Uint8Array): WriteResult {
    const decoded = decodeResult(result);
    if (decoded?.status === "put") return { written: true, revision: decoded.modRevision };
    if (decoded?.status === "precondition_failed") return { written: false, revision: decoded.modRevision };
    throw new Error(`an unexpected result: ${decoded?.status}`);
  },

  encodeRead(key: string): Uint8Array {
    return encodeQuery({ kind: "get", key: encoder.encode(key), withValue: true });
  },

  decodeRead(answer: Uint8Array): Reading | null {
    const decoded = decodeAnswer(answer);
    if (decoded?.status === "not_found") return null;
    if (decoded?.status !== "found" || decoded.item.value === null) throw new Error("an unexpected answer");
    return { value: nameIn(decoded.item.value), revision: decoded.item.modRevision };
  },
};

function nameIn(value: Uint8Array): string {
  return decoder.decode(value).split(separator)[0] ?? "";
}

function preconditionOf(expectedRevision: number | null): Precondition {
  if (expectedRevision === null) return { kind: "none" };
  return expectedRevision === 0 ? { kind: "absent" } : { kind: "revision", modRevision: expectedRevision };
}

function idempotencyOf(key: string): Idempotency {
  const fingerprint = new Uint8Array(fingerprintBytes);
  encoder.encodeInto(key, fingerprint);
  return { key, fingerprint };
}
