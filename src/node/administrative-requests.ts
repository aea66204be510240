/** The bodies of the calls that change who belongs to a group, as values; whatever is none of them is null. */

import { isIdentifier } from "../env.ts";
import type { ChangeRequest, JoinRequest, RequestedChange, TransferRequest } from "../membership.ts";

type Json = Readonly<Record<string, unknown>>;

/** Any JSON; undefined for bytes that are none. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

export function readChangeRequest(body: Uint8Array): ChangeRequest | null {
  const { changes, force } = objectIn(body);
  if (!Array.isArray(changes) || typeof force !== "boolean") return null;
  const read = changes.map(readChange);
  return read.every((change) => change !== null) ? { changes: read, force } : null;
}

export function readTransferRequest(body: Uint8Array): TransferRequest | null {
  const { to } = objectIn(body);
  return to === null || typeof to === "string" ? { to } : null;
}

export function readJoinRequest(body: Uint8Array): JoinRequest | null {
  const { groupId, first, storageIds, appliedIndex, force } = objectIn(body);
  if (typeof groupId !== "string" || groupId === "" || !isObject(first) || !isObject(storageIds)) return null;
  const { voters, learners } = first;
  if (!isListOfIds(voters) || voters.length === 0 || !isListOfIds(learners)) return null;
  if (!isIndex(appliedIndex) || typeof force !== "boolean" || !areTexts(storageIds)) return null;
  return { groupId, first: { voters, learners }, storageIds, appliedIndex, force };
}

function readChange(value: unknown): RequestedChange | null {
  if (!isObject(value)) return null;
  const { action, id, role, promote, locationHint } = value;
  if (typeof id !== "string") return null;
  if (action === "remove" || action === "promote" || action === "demote") return { action, id };
  if (action !== "add" || (role !== "voter" && role !== "learner") || typeof promote !== "boolean") return null;
  if (locationHint === undefined) return { action, id, role, promote };
  return typeof locationHint === "string" ? { action, id, role, promote, locationHint } : null;
}

function objectIn(body: Uint8Array): Json {
  const value = parseJson(body);
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOfIds(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((id) => typeof id === "string" && isIdentifier(id));
}

function areTexts(value: Json): value is Readonly<Record<string, string>> {
  return Object.values(value).every((text) => typeof text === "string");
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
