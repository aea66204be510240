/** A run of tests counts as it went, also when it broke off. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatTally, parseTally } from "../../scripts/lib/tally.ts";
import { countTests } from "../../scripts/lib/vitest-report.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-raft-report-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function count(files: readonly (readonly [status: string, tests: readonly string[]])[], exitCode: number) {
  const path = join(folder, "report.json");
  const testResults = files.map(([status, tests]) => ({
    status,
    assertionResults: tests.map((testStatus) => ({ status: testStatus })),
  }));
  writeFileSync(path, JSON.stringify({ testResults }));
  return countTests(path, exitCode);
}

test("tests are counted by what became of them", () => {
  const tally = count(
    [
      ["passed", ["passed", "passed", "skipped"]],
      ["failed", ["passed", "failed"]],
    ],
    1,
  );
  expect(tally).toEqual({ passed: 3, failed: 1 });
});

test("a file that did not load is a failure", () => {
  expect(
    count(
      [
        ["passed", ["passed"]],
        ["failed", []],
      ],
      1,
    ),
  ).toEqual({ passed: 1, failed: 1 });
});

test("a file whose hook failed after its tests is a failure", () => {
  expect(count([["failed", ["passed"]]], 1)).toEqual({ passed: 1, failed: 1 });
});

test("a run that failed for another reason is a failure", () => {
  expect(count([["passed", ["passed"]]], 1)).toEqual({ passed: 1, failed: 1 });
});

test("a run of no test is a failure", () => {
  expect(count([["passed", ["skipped"]]], 0)).toEqual({ passed: 0, failed: 1 });
});

test("a run without a report is a failure", () => {
  expect(countTests(join(folder, "missing.json"), 0)).toEqual({ passed: 0, failed: 1 });
});

test("a tally is read from the last line alone", () => {
  expect(parseTally(`3 passed, 2 failed\nand so on\n${formatTally({ passed: 12, failed: 0 })}\n`)).toEqual({
    passed: 12,
    failed: 0,
  });
  expect(parseTally("3 passed, 2 failed\nand then it broke off")).toEqual({ passed: 0, failed: 1 });
});
