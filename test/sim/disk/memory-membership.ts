/** Who belongs to the group, as a node in memory keeps it. */

import type { Sql, SqlCursor, SqlRow } from "../../../src/machine.ts";
import { MembershipStorage, type Retirement, type StoredMembership } from "../../../src/node/membership-storage.ts";
import type { Configuration } from "../../../src/raft/configuration.ts";
import type { NodeId } from "../../../src/raft/entry.ts";
import type { Cells } from "./cells.ts";

/** For the tables that the real one makes; nobody uses them here. */
const noSql: Sql = {
  exec: <Row extends SqlRow>(): SqlCursor<Row> => ({
    toArray: () => [],
    rowsWritten: 0,
    [Symbol.iterator]: () => [][Symbol.iterator](),
  }),
};

export class MemoryMembership extends MembershipStorage {
  private readonly cells: Cells;

  constructor(cells: Cells) {
    super(noSql);
    this.cells = cells;
  }

  override create(joined: boolean, firstConfiguration: Configuration): void {
    this.write({ joined, firstConfiguration, admitted: !joined, retirement: null });
  }

  override read(): StoredMembership {
    const text = this.cells.get("membership");
    if (text === undefined) throw new Error("the node's storage does not say who belongs to its group");
    return JSON.parse(String(text)) as StoredMembership;
  }

  override saveAdmitted(): void {
    this.write({ ...this.read(), admitted: true });
  }

  override saveRetirement(retirement: Retirement): void {
    this.write({ ...this.read(), retirement });
  }

  override peers(): Map<NodeId, string> {
    return new Map(JSON.parse(String(this.cells.get("peers") ?? "[]")) as [NodeId, string][]);
  }

  override savePeer(id: NodeId, storageId: string): void {
    this.writePeers(this.peers().set(id, storageId));
  }

  override forgetPeer(id: NodeId): void {
    const peers = this.peers();
    peers.delete(id);
    this.writePeers(peers);
  }

  override forgetPeers(): void {
    this.writePeers(new Map());
  }

  private write(membership: StoredMembership): void {
    this.cells.set("membership", JSON.stringify(membership));
  }

  private writePeers(peers: ReadonlyMap<NodeId, string>): void {
    this.cells.set("peers", JSON.stringify([...peers]));
  }
}
