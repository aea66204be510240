/** How a put or a delete of a key is written: to the history, the index, the leases and the counters together. */

import { noLease } from "../model.ts";
import type { LeaseId } from "../model.ts";
import { rowFrameBytes } from "./history.ts";
import type { History } from "./history.ts";
import type { KeyIndex } from "./key-index.ts";
import { exists, jumpFrom } from "./key-state.ts";
import type { Content, KeyState } from "./key-state.ts";
import { bytesOf } from "./key-text.ts";
import type { KeyText } from "./key-text.ts";
import type { Leases } from "./leases.ts";
import type { Meta } from "./schema.ts";

/** The revision at which something is written, and the time of its entry. */
export interface WriteMoment {
  readonly revision: number;
  readonly timeMs: number;
}

/** The lease that a put leaves its key with. */
export interface PutLease {
  readonly id: LeaseId;
  /** Above 0 when this put gives the key a lease of its own, that lasts so long. */
  readonly ttlMs: number;
}

export interface Put {
  readonly key: KeyText;
  readonly content: Content;
  readonly lease: PutLease;
  /** The key's newest state, a deleted one too. */
  readonly before: KeyState | undefined;
}

const noContent: Content = { value: new Uint8Array(0), contentType: "", metadata: "" };
const encoder = new TextEncoder();

export class StoreWriter {
  private readonly meta: Meta;
  private readonly history: History;
  private readonly index: KeyIndex;
  private readonly leases: Leases;
  private readonly eraRows: number;

  constructor(meta: Meta, history: History, index: KeyIndex, leases: Leases, eraRows: number) {
    this.meta = meta;
    this.history = history;
    this.index = index;
    this.leases = leases;
    this.eraRows = eraRows;
  }

  put({ key, content, lease, before }: Put, at: WriteMoment): void {
    this.moveLease(exists(before) ? before.lease : noLease, key, lease, at.timeMs);
    if (!exists(before)) this.meta.keys += 1;
    this.append(key, { ...revisionsAfterPut(before, at.revision), lease: lease.id }, content, before, at);
  }

  /** Deletes a key that exists, given as it is. */
  delete(before: KeyState, at: WriteMoment): void {
    this.leases.detach(before.lease, before.key);
    this.meta.keys -= 1;
    this.append(before.key, { createRevision: 0, version: 0, lease: noLease }, noContent, before, at);
  }

  private append(
    key: KeyText,
    row: { readonly createRevision: number; readonly version: number; readonly lease: LeaseId },
    content: Content,
    before: KeyState | undefined,
    { revision, timeMs }: WriteMoment,
  ): void {
    this.meta.lastPosition += 1;
    const position = this.meta.lastPosition;
    const jump = jumpFrom(position, before, this.eraRows);
    const keyBytes = bytesOf(key);
    const previous = before?.position ?? 0;
    this.history.append({ ...row, ...content, position, revision, timeMs, previous, jump, key: keyBytes });
    this.meta.sizeBytes += rowFrameBytes + keyBytes.length + contentBytes(content);
    const valueBytes = content.value.length;
    this.index.set({ ...row, key, position, jump, modRevision: revision, valueBytes }, before);
  }

  private moveLease(old: LeaseId, key: KeyText, { id, ttlMs }: PutLease, nowMs: number): void {
    if (old === id) return;
    this.leases.detach(old, key);
    if (ttlMs > 0) this.leases.add({ id, ttlMs, expiresAtMs: nowMs + ttlMs, ownKey: key });
    else if (id !== noLease) this.leases.attach(id, key);
  }
}

/** The creation and the version of a key that is put at a revision. */
export function revisionsAfterPut(
  before: KeyState | undefined,
  revision: number,
): { readonly createRevision: number; readonly version: number } {
  return exists(before)
    ? { createRevision: before.createRevision, version: before.version + 1 }
    : { createRevision: revision, version: 1 };
}

function contentBytes({ value, contentType, metadata }: Content): number {
  return value.length + contentType.length + (metadata === "" ? 0 : encoder.encode(metadata).length);
}
