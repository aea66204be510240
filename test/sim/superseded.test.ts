/** What a client is told of a command whose place in the log was taken. */

import { expect, test } from "vitest";
import { Stage } from "./stage.ts";

test("a command that lost its place on its own leader is not denied while another node may still commit it", async () => {
  const stage = new Stage(5);
  stage.start();
  await stage.leads();
  await stage.elect("n1");
  await stage.runFor(100);
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
