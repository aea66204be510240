/** A store over a database of its own, in Node's SQLite. */

import type { StoreOptions } from "../../../src/kv/machine.ts";
import { NodeSql } from "../../support/node-sql.ts";
import { StoreOver } from "./store-over.ts";

/** So few that nearly every test meets the merging of the index. */
export const tinyIndex = { maxRecentKeys: 3, mergedKeys: 2, maxRecentRows: 6, eraRows: 4 };

export class TestStore extends StoreOver {
  readonly sql: NodeSql;

  constructor(options: StoreOptions = {}) {
    const sql = new NodeSql();
    super({ sql, transaction: (body) => sql.transaction(body) }, options);
    this.sql = sql;
  }
}
