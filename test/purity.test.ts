/** The compiler itself keeps time, chance and the outside out of the core. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPath, readTree } from "./support/source-tree.ts";

const forbidden = [
  "Date.now()",
  "new Date()",
  "Math.random()",
  "performance.now()",
  'fetch("x")',
  "setTimeout(() => {}, 1)",
  "queueMicrotask(() => {})",
  'console.log("x")',
  "crypto.randomUUID()",
  "process.hrtime()",
  "globalThis.Date",
  "new WeakRef({})",
  '"x".localeCompare("y")',
  'eval("1")',
  'new Function("return 1")',
  'import("node:crypto")',
  "new Promise(() => {})",
];

const allowed = [
  "[3, 1, 2].toSorted((left, right) => left - right).findLast((item) => item > 1)",
  "new Map(Object.entries({ a: 1 }).map(([key, value]) => [key, key + value] as const))",
  "(function* () { yield* new Set([1, 2]); })()",
  "new Uint8Array([1, 2, 3]).subarray(1)",
  "Math.max(...[1, 2], Number.MAX_SAFE_INTEGER)",
  "Object.freeze(new RangeError('x', { cause: 1 }))",
];

let folder: string;
let complaints: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-raft-purity-"));
  const core = resolve(projectPath, "src/raft");
  const project = { extends: `${core}/tsconfig.json`, include: [`${core}/world.d.ts`, "./*.ts"], exclude: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(project));
  for (const [kind, expressions] of Object.entries({ forbidden, allowed })) {
    for (const [position, expression] of expressions.entries()) {
      writeFileSync(join(folder, `${kind}-${position}.ts`), `export const value: unknown = ${expression};\n`);
    }
  }
  const compiler = resolve(projectPath, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [compiler, "--pretty", "false", "-p", "."], {
    cwd: folder,
    encoding: "utf8",
  });
  complaints = stdout;
});

afterAll(() => rmSync(folder, { recursive: true }));

test.each(forbidden)("%s does not compile in the core", (expression) => {
  const position = forbidden.indexOf(expression);
  expect(complaints).toMatch(new RegExp(`^forbidden-${position}\\.ts\\(.*error TS`, "m"));
});

test.each(allowed)("%s compiles in the core", (expression) => {
  const position = allowed.indexOf(expression);
  expect(complaints).not.toContain(`allowed-${position}.ts`);
});

test("the core declares no world of its own", () => {
  const files = readTree(resolve(projectPath, "src/raft")).filter(({ path }) => /(?<!world\.d)\.ts$/.test(path));
  expect(files.length).toBeGreaterThan(0);
  const wrong = files.filter(({ text }) => /^\s*(?:export )?declare\b|^\/\/\/|@ts-|\bas any\b/m.test(text));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});
