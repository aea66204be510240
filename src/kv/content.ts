/** Everything that a node's key-value store holds, in order, so that two nodes can be compared byte for byte. */

import type { Sql } from "../machine.ts";

const statements = [
  "SELECT * FROM kv_meta ORDER BY id",
  "SELECT * FROM kv_pairs ORDER BY key",
  "SELECT * FROM kv_remembered ORDER BY slot",
];

/** One line a row, with blobs in hexadecimal. Equal lines are equal states. Nothing may be written while it runs. */
export function* content(sql: Sql): Generator<string> {
  for (const statement of statements) {
    for (const row of sql.exec(statement)) {
      yield JSON.stringify(row, (_, value: unknown) => (value instanceof ArrayBuffer ? hexadecimal(value) : value));
    }
  }
}

function hexadecimal(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
