/** What clients can ask of any simulated store, and its translation into the bytes of a particular one. */

export interface Write {
  /** Names this attempt; it is also the value, so that whoever reads it knows who wrote it. */
  readonly name: string;
  readonly key: string;
  /** The revision that the key must have, 0 if it must not exist; null for an unconditional write. */
  readonly expectedRevision: number | null;
  /** Attempts with the same words take effect once; null for one that stands alone. */
  readonly idempotencyKey: string | null;
}

/** Written at a new revision of the store, or refused because the key has another revision: null if it is missing. */
export type WriteResult =
  | { readonly written: true; readonly revision: number }
  | { readonly written: false; readonly revision: number | null };

/** What a key holds. */
export interface Reading {
  readonly value: string;
  readonly revision: number;
}

export interface StoreLanguage {
  /** @param padding bytes to add, for size alone */
  encodeWrite(write: Write, padding: number): Uint8Array;
  /** The name of a write, from its bytes; null for a command that the store has made itself. */
  nameOf(command: Uint8Array): string | null;
  decodeResult(result: Uint8Array): WriteResult;
  encodeRead(key: string): Uint8Array;
  /** Null for a key that does not exist. */
  decodeRead(answer: Uint8Array): Reading | null;
}
