/** What a node keeps on disk about who belongs to its group: its own place in it, and its peers' storages. */

import type { MemberStatus } from "../internal.ts";
import type { Sql } from "../machine.ts";
import type { Standing } from "../membership.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";

/** That a node has left its group for good, as it was told or found out. */
export interface Retirement {
  readonly standing: Exclude<Standing, "joining" | "member">;
  readonly reason: string;
  /** Where the group is now, as far as that is known. */
  readonly leader: NodeId | null;
  readonly members: readonly MemberStatus[];
}

export interface StoredMembership {
  /** True for a node that a leader asked to join; false for one of the group's first configuration. */
  readonly joined: boolean;
  readonly firstConfiguration: Configuration;
  /** Whether the group has ever made this storage a member. */
  readonly admitted: boolean;
  readonly retirement: Retirement | null;
}

type Row = { joined: number; first_configuration: string; admitted: number; retirement: string | null };

export class MembershipStorage {
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS raft_membership (
      id INTEGER PRIMARY KEY CHECK (id = 0), joined INTEGER NOT NULL, first_configuration TEXT NOT NULL,
      admitted INTEGER NOT NULL, retirement TEXT)`);
    sql.exec(
      "CREATE TABLE IF NOT EXISTS raft_peers (node_id TEXT PRIMARY KEY, storage_id TEXT NOT NULL) WITHOUT ROWID",
    );
  }

  create(joined: boolean, firstConfiguration: Configuration): void {
    const text = JSON.stringify(firstConfiguration);
    this.sql.exec("INSERT INTO raft_membership VALUES (0, ?, ?, ?, NULL)", Number(joined), text, Number(!joined));
  }

  read(): StoredMembership {
    const row = this.sql.exec<Row>("SELECT * FROM raft_membership").toArray()[0];
    if (row === undefined) throw new Error("the node's storage does not say who belongs to its group");
    return {
      joined: row.joined === 1,
      // Both are written by this class alone.
      firstConfiguration: JSON.parse(row.first_configuration) as Configuration,
      admitted: row.admitted === 1,
      retirement: row.retirement === null ? null : (JSON.parse(row.retirement) as Retirement),
    };
  }

  saveAdmitted(): void {
    this.sql.exec("UPDATE raft_membership SET admitted = 1");
  }

  saveRetirement(retirement: Retirement): void {
    this.sql.exec("UPDATE raft_membership SET retirement = ?", JSON.stringify(retirement));
  }

  /** The storages that peers were first seen with. */
  peers(): Map<NodeId, string> {
    const rows = this.sql.exec<{ node_id: string; storage_id: string }>("SELECT * FROM raft_peers");
    return new Map([...rows].map((row) => [row.node_id, row.storage_id]));
  }

  savePeer(id: NodeId, storageId: string): void {
    this.sql.exec("INSERT OR REPLACE INTO raft_peers VALUES (?, ?)", id, storageId);
  }

  forgetPeer(id: NodeId): void {
    this.sql.exec("DELETE FROM raft_peers WHERE node_id = ?", id);
  }

  forgetPeers(): void {
    this.sql.exec("DELETE FROM raft_peers");
  }
}
