/** The parts of a store over one database, that commands and queries work with. */

import type { Sql } from "../../machine.ts";
import { History } from "./history.ts";
import { KeyIndex } from "./key-index.ts";
import type { IndexLimits } from "./key-index.ts";
import type { KeyView } from "./key-view.ts";
import { Leases } from "./leases.ts";
import { PastView } from "./past-view.ts";
import { openStore } from "./schema.ts";
import type { Meta } from "./schema.ts";
import { StoreWriter } from "./writer.ts";

export interface StoreParts {
  readonly meta: Meta;
  readonly history: History;
  readonly index: KeyIndex;
  readonly leases: Leases;
  readonly writer: StoreWriter;
}

export function openParts(sql: Sql, limits: IndexLimits): StoreParts {
  const meta = openStore(sql);
  const history = new History(sql);
  const index = new KeyIndex(sql, meta, limits);
  const leases = new Leases(sql, meta);
  return { meta, history, index, leases, writer: new StoreWriter(meta, history, index, leases, limits.eraRows) };
}

/** The keys at a revision; 0 or less for the present one. It must not be a refused one. */
export function viewAt({ meta, history, index }: StoreParts, revision: number): KeyView {
  return revision <= 0 || revision === meta.revision ? index : new PastView(index, history, revision);
}
