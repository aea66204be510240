/** What the index knows of a key at a revision. */

import type { SqlRow } from "../../machine.ts";
import type { LeaseId, Revisions } from "../model.ts";
import { textOf } from "./key-text.ts";
import type { KeyText } from "./key-text.ts";

export interface KeyState extends Revisions {
  readonly key: KeyText;
  /** The row of `kv_revisions` that has the value; 0 for a put that is not written yet. */
  readonly position: number;
  /** An earlier row of the key, see `jumpFrom`. */
  readonly jump: number;
  /** How often the key was put since its creation: 0 when it is deleted. */
  readonly version: number;
  readonly lease: LeaseId;
  readonly valueBytes: number;
  /** Present while the put is not written yet. */
  readonly content?: Content;
}

/** What is stored of a key beside what the index knows. */
export interface Content {
  readonly value: Uint8Array;
  readonly contentType: string;
  readonly metadata: string;
}

export interface KeyStateRow extends SqlRow {
  key: ArrayBuffer;
  position: number;
  jump: number;
  create_revision: number;
  mod_revision: number;
  version: number;
  lease: string;
  value_bytes: number;
}

export function keyStateOf(row: KeyStateRow): KeyState {
  return {
    key: textOf(row.key),
    position: row.position,
    jump: row.jump,
    createRevision: row.create_revision,
    modRevision: row.mod_revision,
    version: row.version,
    lease: row.lease,
    valueBytes: row.value_bytes,
  };
}

export function exists(state: KeyState | undefined): state is KeyState {
  return state !== undefined && state.version > 0;
}

/**
 * The row of the key that a new row jumps to: the newest of an earlier era than the key's last row before it. Positions fall
 * into eras of equal length. Who looks for an old revision of a key jumps from era to era and walks within one, so that of a
 * million rows it looks at some thousand, even if all are of that key.
 */
export function jumpFrom(position: number, before: KeyState | undefined, eraRows: number): number {
  if (before === undefined) return 0;
  const isSameEra = Math.floor(before.position / eraRows) === Math.floor(position / eraRows);
  return isSameEra ? before.jump : before.position;
}
