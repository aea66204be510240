/** The core goes the ways of the model; and if it made a mistake, it would go another. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutants } from "../sim/mutants.ts";
import { divergenceOf } from "./replay.ts";
import { modelPath, sample } from "./sample.ts";
import { readTrace } from "./trace.ts";
import type { ModelState } from "./trace.ts";

const folder = mkdtempSync(join(tmpdir(), "durable-raft-model-"));
const traces: (readonly ModelState[])[] = [];
const violated: string[] = [];

beforeAll(async () => {
  const sampled = await sample({ specification: modelPath, samples: 5, steps: 60, seed: 1, folder });
  violated.push(...sampled.violated);
  traces.push(...sampled.traces.map(readTrace));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

test("the core does what the model does, step by step", () => {
  expect(violated).toEqual([]);
  expect(traces.map(({ length }) => length)).toEqual([61, 61, 61, 61, 61]);
  expect(traces.map(divergenceOf)).toEqual([null, null, null, null, null]);
});

test("a core that commits with less than a majority goes another way", () => {
  const undo = mutants.find(({ name }) => name === "one less than a majority commits")!.install!();
  const found = traces.map(divergenceOf).filter((divergence) => divergence !== null);
  undo();
  expect(found.join("\n")).toMatch(/commit of n\d is 1, and in the model 0/);
});
