/** How objects become nodes: by their first use, by being asked to join, and by the recovery of a group that lost its majority. */

import { describe, expect, test } from "vitest";
import { claimOn, type Claimed, claimRefusal, isConfirmed, join, recover } from "../../src/node/founding.ts";
import { generationOf } from "../../src/node/identity.ts";
import { MembershipStorage } from "../../src/node/membership-storage.ts";
import { type JoinRequest, recoveryConfirmation } from "../../src/membership.ts";
import { changeConfiguration } from "../../src/raft/configuration-change.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/entry.ts";
import { SqlStorage } from "../../src/node/sql-storage.ts";
import { NodeSql } from "../support/node-sql.ts";
import { Disk, encode } from "./word-list.ts";

const three = simpleConfiguration(["n1", "n2", "n3"]);
const noData = new Uint8Array(0);
const word = (index: number, text: string): Entry => {
  return { index, term: 2, kind: "command", timeMs: 10 * index, data: encode(text) };
};
const change = (index: number, id: string): Entry => ({
  index,
  term: 2,
  kind: "configuration",
  timeMs: 10 * index,
  data: noData,
  change: { changes: [{ type: "remove", id }], transition: "auto" },
});

/** n1 with four entries, of which the first is applied. */
function survivor(...entries: readonly Entry[]) {
  const disk = new Disk(three);
  const storage = disk.storage();
  const stored = storage.open()!;
  const membership = new MembershipStorage(disk.sql);
  membership.create(false, three);
  membership.savePeer("n2", "storage of n2");
  storage.saveEntries(entries);
  storage.saveAppliedIndex(1);
  storage.saveHardState({ term: 5, vote: "n2" });
  storage.saveQuiescent({ term: 5, led: true, timeMs: 10, sinceMs: 20 });
  const now = { term: 5, appliedIndex: 1, lastIndex: entries.length, timeMs: 10 * entries.length };
  return { disk, stored, recovered: () => recover(storage, membership, stored, now) };
}

describe("hazard-37 a recovery", () => {
  test("keeps the log, and goes on with a term and an identity of its own, alone", () => {
    const { disk, stored, recovered } = survivor(word(1, "a"), word(2, "b"), word(3, "c"));
    const answer = recovered();
    expect(answer).toMatchObject({ node: "n1", lastIndex: 3, newlyCommitted: 2 });
    const storage = disk.storage();
    const after = storage.open()!;
    expect(after.identity).toEqual({ ...stored.identity, groupId: answer.groupId });
    expect(generationOf(answer.groupId)).toBe(1);
    expect(after.hardState).toEqual({ term: 6, vote: null });
    expect(after.quiescent).toBe(false);
    expect(after.configuration).toMatchObject({ voters: ["n1"], outgoing: [], learners: [] });
    expect(new MembershipStorage(disk.sql).peers().size).toBe(0);
    expect(storage.entries(1, 4, 1e6).slice(0, 3)).toEqual([word(1, "a"), word(2, "b"), word(3, "c")]);
  });

  test("ends the log with a change that makes the same of any configuration, and strikes those that were not in force", () => {
    const { disk, recovered } = survivor(word(1, "a"), change(2, "n1"), word(3, "c"), change(4, "n2"));
    recovered();
    const storage = disk.storage();
    const { configuration, log } = storage.open()!;
    expect(log).toMatchObject({ firstIndex: 1, lastIndex: 5, appliedIndex: 1 });
    const entries = storage.entries(1, 5, 1e6);
    expect(entries.map(({ kind }) => kind)).toEqual(["command", "noop", "command", "noop", "configuration"]);
    expect(entries.map(({ index, term }) => `${index}@${term}`)).toEqual(["1@2", "2@2", "3@2", "4@2", "5@6"]);
    expect(entries.at(-1)!.timeMs).toBe(40);
    const joint: Configuration = { ...three, outgoing: ["n1", "n4"], learnersNext: ["n4"] };
    for (const before of [three, joint, configuration]) {
      expect(changeConfiguration(before, entries.at(-1)!.change!)).toEqual({ changed: true, configuration });
    }
  });

  test.each<[string, unknown]>([
    ["another node", { node: "n2", confirm: recoveryConfirmation }],
    ["no node", { confirm: recoveryConfirmation }],
    ["no confirmation", { node: "n1" }],
    ["another confirmation", { node: "n1", confirm: "yes" }],
    ["nothing", null],
  ])("is not meant by a request that names %s", (_, request) => {
    expect(isConfirmed(request, "n1")).toBe(false);
    expect(isConfirmed({ node: "n1", confirm: recoveryConfirmation }, "n1")).toBe(true);
  });
});

describe("a node that is asked to join", () => {
  const request: JoinRequest = {
    groupId: "f00d",
    first: { voters: ["n1", "n2", "n3"], learners: [] },
    storageIds: { n1: "storage of n1" },
    appliedIndex: 50,
    force: false,
  };

  test("begins where the group began, with what is known of its members", () => {
    const sql = new NodeSql();
    const storage = new SqlStorage(sql, (work) => sql.transaction(work));
    const membership = new MembershipStorage(sql);
    join(storage, membership, { group: "g", node: "n4" }, request);
    const stored = storage.open()!;
    expect(stored.identity).toMatchObject({ group: "g", node: "n4", groupId: "f00d" });
    expect(stored.identity.storageId).toMatch(/^[0-9a-f]{16}$/);
    expect(stored.configuration).toEqual(three);
    expect(stored.log.lastIndex).toBe(0);
    expect(membership.read()).toEqual({ joined: true, firstConfiguration: three, admitted: false, retirement: null });
    expect(membership.peers().get("n1")).toBe("storage of n1");
  });

  const held: Claimed = { groupId: "f00d", standing: "member", appliedIndex: 40, lastIndex: 60 };
  test.each<[string, string, Partial<Claimed>, boolean]>([
    ["waits already, for the same group", "keep", { standing: "joining", appliedIndex: 0 }, false],
    ["was removed", "replace", { standing: "removed", appliedIndex: 50 }, false],
    ["was fenced", "replace", { standing: "fenced", appliedIndex: 0, lastIndex: 0 }, false],
    ["was left behind by a recovery", "replace", { standing: "superseded", groupId: "dead" }, false],
    ["believes to be a member, but the caller knows more", "replace", {}, false],
    ["knows more than the caller", "knows more", { appliedIndex: 50 }, true],
    ["holds data of another group", "other group", { groupId: "beef" }, false],
    ["holds data of another group, which may go", "replace", { groupId: "beef" }, true],
    [
      "belongs to another group that holds nothing",
      "replace",
      { groupId: "beef", appliedIndex: 0, lastIndex: 0 },
      false,
    ],
  ])("and %s: %s", (_, claim, more, force) => {
    expect(claimOn({ ...held, ...more }, { ...request, force })).toBe(claim);
  });

  test("is told to use force only where that helps", () => {
    expect(claimRefusal("other group", "n4")).toContain("force=true");
    expect(claimRefusal("knows more", "n4")).not.toContain("force");
  });
});
