/** What a node is told after its end says nothing of the node that has its storage by then. */

import { beforeEach, expect, test } from "vitest";
import type { Env } from "../../src/env.ts";
import { Belonging } from "../../src/node/belonging.ts";
import type { FrameRefusal } from "../../src/node/frame-refusal.ts";
import { join, recover } from "../../src/node/founding.ts";
import { newIdentity } from "../../src/node/identity.ts";
import { MembershipStorage } from "../../src/node/membership-storage.ts";
import { PeerCalls } from "../../src/node/peer-calls.ts";
import { SqlStorage } from "../../src/node/sql-storage.ts";
import type { StoredNode } from "../../src/node/storage.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { NodeSql } from "../support/node-sql.ts";

const first = simpleConfiguration(["n1", "n2", "n3"]);

let sql: NodeSql;
let storage: SqlStorage;
let membership: MembershipStorage;
let stored: StoredNode;
let calls: PeerCalls;
let settle: (response: Response) => void;

beforeEach(() => {
  sql = new NodeSql();
  openStorage();
  storage.create(newIdentity("g", "n1", first, Math.random), first);
  membership.create(false, first);
  stored = storage.open()!;
  const fetch = (): Promise<Response> => new Promise((resolve) => (settle = resolve));
  const namespace = { getByName: () => ({ fetch }) } as unknown as Env["RAFT_NODE"];
  const { gatekeeper } = new Belonging(membership, stored, {
    within: () => ({ term: 0, leads: false, leader: null, appliedIndex: 0 }),
    onRetired: () => {},
    listedHint: () => undefined,
  });
  calls = new PeerCalls(namespace, stored, () => undefined, gatekeeper, 1000);
});

function openStorage(): void {
  storage = new SqlStorage(sql, (work) => sql.transaction(work));
  membership = new MembershipStorage(sql);
}

/** The peer that was asked refuses. */
function refuse(refusal: FrameRefusal): void {
  settle(new Response(JSON.stringify(refusal), { status: 421, headers: { "x-raft-node": "n2" } }));
}

test("a node that is recovered is not left behind by its own recovery", async () => {
  const call = calls.call("n2", []);
  calls.end();
  const { groupId } = recover(storage, membership, stored, { term: 1, appliedIndex: 0, lastIndex: 0, timeMs: 0 });
  // Meanwhile n2 was added to the recovered group.
  refuse({ code: "other_group", message: "group g has another identity here", groupId });
  expect(await call).toMatchObject({ result: "unreachable" });
  expect(membership.read().retirement).toBeNull();
});

test("a node that joins anew is not removed because the one before it was", async () => {
  const call = calls.call("n2", []);
  calls.end();
  for (const table of ["raft_state", "raft_log", "raft_membership", "raft_peers"]) sql.exec(`DROP TABLE ${table}`);
  openStorage();
  const { voters, learners } = first;
  const { groupId } = stored.identity;
  const request = { groupId, first: { voters, learners }, storageIds: {}, appliedIndex: 9, force: false };
  join(storage, membership, { group: "g", node: "n1" }, request);
  refuse({ code: "removed", message: "n1 is no member of the group", appliedIndex: 9, leader: "n2", members: [] });
  expect(await call).toMatchObject({ result: "unreachable" });
  expect(membership.read()).toMatchObject({ joined: true, retirement: null });
});
