/** What callers are told when the log goes other ways than theirs. */

import { expect, test } from "vitest";
import { Stage } from "../stage.ts";

test("a command that lost its place on its own leader is not denied while another node may still commit it", async () => {
  const stage = await Stage.with(5, "n1");
  // n1 proposes three commands that reach n2 alone.
  stage.connect(["n1", "n2"]);
  const lost = [stage.write("n1"), stage.write("n1"), stage.write("n1")];
  await stage.runFor(50);
  expect(stage.node("n2").image.lastIndex).toBe(stage.raft("n1").log.commitIndex + 3);
  // n3 wins a term and replaces them on n1 with the first entry of its term, which reaches nobody else.
  stage.connect(["n3", "n4", "n5"]);
  await stage.elect("n3");
  stage.connect(["n1", "n3"]);
  await stage.until(() => stage.raft("n1").log.lastTerm === stage.raft("n3").term, 1000);
  // n1 wins again and fills the places of the lost commands, unheard.
  stage.connect(["n1", "n4", "n5"]);
  await stage.elect("n1");
  stage.connect();
  const others = [stage.write("n1"), stage.write("n1")];
  await stage.runFor(50);
  // n2, which has them all, wins with those who have none, and commits them.
  stage.connect(["n2", "n4", "n5"]);
  await stage.elect("n2");
  await stage.runFor(500);
  expect(lost.map(({ outcome }) => outcome)).toEqual([null, null, null]);
  // n1 hears which commands stand at these indexes: its first ones do, its last ones never will.
  stage.connect(stage.ids);
  await stage.runFor(1000);
  expect(lost.map(({ outcome }) => outcome?.done)).toEqual([true, true, true]);
  expect(others.map(({ outcome }) => outcome)).toMatchObject([{ code: "superseded" }, { code: "superseded" }]);
});

test("hazard-48 a leader that was cut off answers no read, and no write of it is acknowledged", async () => {
  const stage = await Stage.with(3, "n1");
  stage.connect(["n2", "n3"]);
  const write = stage.write("n1");
  const read = stage.read("n1");
  await stage.until(() => stage.leader() !== stage.node("n1"), 2000);
  const next = stage.leader()!.id;
  const newer = stage.write(next);
  await stage.until(() => newer.outcome !== null, 1000);
  expect(newer.outcome).toMatchObject({ done: true });
  expect(write.outcome).toBeNull();
  // When no majority answers it steps down: the read is refused, and asking another node is safe.
  await stage.until(() => read.outcome !== null, 1000);
  expect(read.outcome).toMatchObject({ done: false, code: "not_leader", ambiguous: false });
  stage.connect(stage.ids);
  await stage.runFor(500);
  expect(write.outcome).toMatchObject({ done: false, code: "superseded", ambiguous: false });
});

test("hazard-32 a write whose time is over is unknown to its caller, and may be committed later", async () => {
  const stage = await Stage.with(3, "n1");
  stage.connect(["n1"], ["n2", "n3"]);
  const write = stage.write("n1", { patienceMs: 30 });
  await stage.runFor(40);
  expect(write.outcome).toMatchObject({ code: "timeout", ambiguous: true });
  const { lastIndex } = stage.raft("n1").log;
  stage.connect(stage.ids);
  await stage.runFor(100);
  expect(stage.setup.checks.ledger.lastIndex).toBe(lastIndex);
});

test("hazard-40 64 proposals at once are applied once each, in one order everywhere", async () => {
  const stage = await Stage.with(3, "n1");
  const writes = Array.from({ length: 64 }, () => stage.write("n1"));
  await stage.until(() => writes.every(({ outcome }) => outcome !== null), 1000);
  const indexes = writes.map(({ outcome }) => (outcome?.done === true ? outcome.index : 0));
  expect(new Set(indexes).size).toBe(64);
  expect(indexes).toEqual([...indexes].sort((one, other) => one - other));
  await stage.runFor(200);
  const digests = stage.ids.map((id) => stage.node(id).image.digest);
  expect(new Set(digests).size).toBe(1);
});
