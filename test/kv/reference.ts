/** A second key-value store, plain enough to be right at sight: the model that the machine is compared with. */

import type { Command, Precondition } from "../../src/kv/command.ts";
import type { CommandResult } from "../../src/kv/result.ts";
import type { ListQuery } from "../../src/kv/query.ts";

export interface ReferenceItem {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly contentType: string;
  readonly value: string;
}

/** Keys and values are hexadecimal text here: its order is the order of the bytes. */
export class ReferenceStore {
  revision = 1;
  readonly items = new Map<string, ReferenceItem>();
  private readonly remembered: { key: string; fingerprint: string; timeMs: number; result: CommandResult }[] = [];
  private readonly idempotencyKeys: number;

  constructor(idempotencyKeys: number) {
    this.idempotencyKeys = idempotencyKeys;
  }

  apply(command: Command, timeMs: number): CommandResult {
    const { idempotency } = command;
    if (idempotency !== null) {
      const first = this.remembered
        .slice(-this.idempotencyKeys)
        .findLast((entry) => entry.key === idempotency.key && timeMs - entry.timeMs < 24 * 3_600_000);
      if (first !== undefined) {
        return first.fingerprint === hex(idempotency.fingerprint) ? first.result : { status: "idempotency_key_reused" };
      }
    }
    const result = this.execute(command);
    if (idempotency !== null && (result.status === "put" || result.status === "deleted")) {
      const { key, fingerprint } = idempotency;
      this.remembered.push({ key, fingerprint: hex(fingerprint), timeMs, result });
    }
    return result;
  }

  list(query: ListQuery): ReferenceItem[] {
    const { prefix, start, end, after } = query;
    return [...this.items.values()]
      .filter(({ key }) => key.startsWith(hex(prefix)))
      .filter(({ key }) => start === null || key >= hex(start))
      .filter(({ key }) => end === null || key < hex(end))
      .filter(({ key }) => after === null || key > hex(after))
      .sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  private execute(command: Command): CommandResult {
    const key = hex(command.key);
    const found = this.items.get(key);
    if (!matches(command.precondition, found)) {
      return { status: "precondition_failed", modRevision: found === undefined ? null : found.modRevision };
    }
    if (command.kind === "put") {
      this.revision += 1;
      const createRevision = found === undefined ? this.revision : found.createRevision;
      const version = found === undefined ? 1 : found.version + 1;
      const revisions = { createRevision, modRevision: this.revision, version };
      this.items.set(key, { key, ...revisions, contentType: command.contentType, value: hex(command.value) });
      return { status: "put", created: found === undefined, ...revisions };
    }
    if (found === undefined) return { status: "not_found" };
    this.items.delete(key);
    this.revision += 1;
    const { createRevision, modRevision, version } = found;
    return { status: "deleted", revision: this.revision, createRevision, modRevision, version };
  }
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function matches(precondition: Precondition, found: ReferenceItem | undefined): boolean {
  if (precondition.kind === "absent") return found === undefined;
  if (precondition.kind === "present") return found !== undefined;
  if (precondition.kind === "revision") return found !== undefined && found.modRevision === precondition.modRevision;
  return true;
}
