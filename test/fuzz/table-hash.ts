/** A hash of all that the key-value store's tables hold. */

import { createHash } from "node:crypto";
import { storeTables } from "../../src/kv/store/schema.ts";
import type { Sql } from "../../src/machine.ts";

export function hashTables(sql: Sql): string {
  const hash = createHash("sha1");
  for (const table of storeTables) {
    hash.update(table);
    for (const row of sql.exec(`SELECT * FROM ${table}`).toArray()) {
      for (const value of Object.values(row)) {
        hash.update(value instanceof ArrayBuffer ? new Uint8Array(value) : `${typeof value}${value}`);
      }
    }
  }
  return hash.digest("hex");
}
