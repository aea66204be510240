/** The store as its documentation says it is, with every value that a key ever had. */

import type { Reading, Write, WriteResult } from "./language.ts";
import { firstRevision } from "./register-store.ts";

interface Version extends Reading {
  readonly index: number;
}

export class StoreModel {
  private revision = firstRevision;
  private readonly versions = new Map<string, Version[]>();
  private readonly remembered = new Map<string, WriteResult>();

  /** Applies the write that was committed at `index`; indexes must rise. */
  apply({ name, key, expectedRevision, idempotencyKey }: Write, index: number): WriteResult {
    const remembered = idempotencyKey === null ? undefined : this.remembered.get(idempotencyKey);
    if (remembered !== undefined) return remembered;
    const versions = this.versions.get(key) ?? [];
    const found = versions.at(-1)?.revision ?? 0;
    if (expectedRevision !== null && expectedRevision !== found) return { written: false, revision: found || null };
    this.revision += 1;
    versions.push({ index, value: name, revision: this.revision });
    this.versions.set(key, versions);
    const result = { written: true, revision: this.revision } as const;
    if (idempotencyKey !== null) this.remembered.set(idempotencyKey, result);
    return result;
  }

  /** What the key held when everything up to `index` was applied. */
  read(key: string, index: number): Reading | null {
    return this.versions.get(key)?.findLast((version) => version.index <= index) ?? null;
  }
}
