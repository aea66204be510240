/** What the command line of a chaos run may say. */

import { expect, test } from "vitest";
import { parseChaosOptions } from "../../../scripts/chaos/options.ts";

test("everything has a default", () => {
  const options = parseChaosOptions([]);
  expect(options).toMatchObject({ durationMs: 60_000, nodes: 3, faces: ["rest", "etcd"], mutant: "" });
  expect(options.nemesis).toContain("kill-leader");
});

test("a mistake comes with the faults that bring it out, unless others are asked for", () => {
  expect(parseChaosOptions(["--mutant", "volatile-vote"]).nemesis).toEqual(["ballot"]);
  const words = ["--mutant", "volatile-vote", "--nemesis", "kill,pause", "--seconds", "5"];
  expect(parseChaosOptions(words)).toMatchObject({ nemesis: ["kill", "pause"], durationMs: 5000 });
});

test("what makes no sense is refused in one line", () => {
  expect(() => parseChaosOptions(["--nodes", "many"])).toThrow('--nodes takes a number from 1 to 7, not "many"');
  expect(() => parseChaosOptions(["--nemesis", "rain"])).toThrow('not "rain"');
  expect(() => parseChaosOptions(["--face", "soap"])).toThrow('--face knows rest, etcd, not "soap"');
  expect(() => parseChaosOptions(["--fast"])).toThrow("--fast");
});
