/** Stories that readers of the Raft paper know: the core does in each what was recorded, step by step. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { replayFile, titleOf } from "../../scripts/stage/scenario-file.ts";
import { mutants } from "../sim/mutants.ts";

const scenarios = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".txt"))
  .map((file) => ({ file, recorded: readFileSync(join(import.meta.dirname, file), "utf8") }))
  .map(({ file, recorded }) => ({ file, recorded, title: titleOf(recorded) }));

let undo: (() => void) | undefined;

afterEach(() => undo?.());

test.each(scenarios)("$title", ({ recorded }) => {
  // What is different is what the review of a change is about: npm run scenarios -- --update
  expect(replayFile(recorded)).toBe(recorded);
});

describe("a trace", () => {
  const of = (file: string): string => scenarios.find((scenario) => scenario.file === file)?.recorded ?? "";

  test.each([
    ["figure-8-d.txt", "an entry of an earlier term is committed by counting"],
    ["figure-7.txt", "an append is taken after any entry at its index, whatever that entry's term"],
    ["figure-8-e.txt", "votes go to whoever asks first, however old its log"],
    ["partitioned-leader.txt", "one less than a majority commits"],
  ])("of %s shows it when %s", (file, name) => {
    const mutant = mutants.find((each) => each.name === name);
    expect(mutant?.install).toBeDefined();
    undo = mutant?.install?.();
    let now = "";
    try {
      now = replayFile(of(file));
    } catch {
      // An assertion of the core saw it first.
    }
    expect(now).not.toBe(of(file));
  });

  test("does not depend on what was recorded before", () => {
    const commands = of("figure-7.txt").replaceAll(/^(?:----|[^#\n]*->|    ).*\n/gm, "");
    expect(commands).not.toContain("AppendEntries");
    expect(replayFile(commands).split("\n").length).toBeGreaterThan(50);
  });

  test("is not made of commands that nobody knows", () => {
    expect(() => replayFile("# a title\n\nsleep S1\n")).toThrow("unknown command: sleep S1");
    expect(() => replayFile("campaign S1\n")).toThrow("no node S1");
  });
});
