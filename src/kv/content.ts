/** Everything that a node's key-value store holds, in order, so that two nodes can be compared byte for byte. */

import type { Sql } from "../machine.ts";
import { storeTables } from "./store/schema.ts";

/** One line a row, with blobs in hexadecimal. Equal lines are equal states. Nothing may be written while it runs. */
export function* content(sql: Sql): Generator<string> {
  for (const table of storeTables) {
    // A primary key has two columns at most, and they come first.
    for (const row of sql.exec(`SELECT * FROM ${table} ORDER BY 1, 2`)) {
      const values = Object.values(row).map((value) => (value instanceof ArrayBuffer ? hexadecimal(value) : value));
      yield JSON.stringify([table, ...values]);
    }
  }
}

function hexadecimal(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
