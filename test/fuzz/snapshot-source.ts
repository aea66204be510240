/** A state of the key-value store in pages, as its leader would send it, small enough to have many of them. */

import { encodeCommand } from "../../src/kv/command-codec.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import type { CommandBody } from "../../src/kv/model.ts";
import { putOf } from "../../src/kv/operations.ts";
import { addPage, emptyChecksum } from "../../src/node/checksum.ts";
import type { Page } from "../../src/node/snapshot-store.ts";
import { SqlSnapshots } from "../../src/node/sql-snapshots.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Snapshot } from "../../src/raft/message.ts";
import { NodeSql } from "../support/node-sql.ts";

export const snapshot: Snapshot = {
  index: 40,
  term: 2,
  timeMs: 3000,
  configuration: simpleConfiguration(["n1", "n2", "n3"]),
};

export interface Source {
  readonly sql: NodeSql;
  readonly pages: readonly Page[];
}

const maxPageBytes = 300;

export function makeSource(): Source {
  const sql = new NodeSql();
  const machine = new KeyValueMachine(sql);
  for (const [at, body] of bodies().entries()) {
    const idempotency =
      at % 5 === 0 ? { key: `key ${at}`, session: "", fingerprint: new Uint8Array(32).fill(at) } : null;
    machine.apply([{ index: at + 1, term: 2, timeMs: 1000 + at, command: encodeCommand({ body, idempotency }) }]);
  }
  return { sql, pages: pagesOf(sql, machine.tables) };
}

function bodies(): readonly CommandBody[] {
  const one = (operation: ReturnType<typeof putOf>): CommandBody => {
    return { kind: "txn", compares: [], success: [operation], failure: [] };
  };
  const puts = Array.from({ length: 20 }, (_, at) =>
    one(putOf({ key: Uint8Array.of(97 + at), value: new Uint8Array(at * 3).fill(at), contentType: "text/plain" })),
  );
  const leased = one(putOf({ key: Uint8Array.of(1), value: Uint8Array.of(2), lease: "7" }));
  return [
    ...puts,
    { kind: "leaseGrant", id: "7", ttlMs: 60_000 },
    leased,
    { kind: "sessionOpen", ttlMs: 60_000 },
    { kind: "leaseGrant", id: "8", ttlMs: 60_000 },
  ];
}

function pagesOf(sql: NodeSql, tables: readonly string[]): readonly Page[] {
  const snapshots = new SqlSnapshots(sql);
  snapshots.openCut("cut", "n1", snapshot, tables);
  const pages: Page[] = [];
  for (let checksum = emptyChecksum; ;) {
    const page = snapshots.readCut(maxPageBytes);
    pages.push(page);
    checksum = addPage(checksum, page);
    snapshots.advanceCut(checksum);
    if (page.done) break;
  }
  snapshots.closeCut();
  return pages;
}
