/** The data that the smoke run loads: the whole of mime-db, one key a MIME type. */

import { createRequire } from "node:module";

export interface Pair {
  readonly key: string;
  readonly value: string;
  /** The address of the key. */
  readonly path: string;
}

export function readDataSet(): Pair[] {
  const database = createRequire(import.meta.url)("mime-db") as Readonly<Record<string, unknown>>;
  return Object.entries(database).map(([key, entry]) => ({
    key,
    value: JSON.stringify(entry),
    path: `/v1/kv/${encodeURIComponent(key)}`,
  }));
}
