/** The Worker in docs/binding.md is compiled against this project's types, and does what the page shows. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import type { LocalCluster } from "../../scripts/lib/local-cluster.ts";
import { exampleHost, patternOf, readBlocks, readExamples, runExample } from "../support/examples.ts";
import { projectPath } from "../support/source-tree.ts";

/** Where the page says that its Worker is, which is not where the store's is. */
const pageHost = "localhost:8788";

const blocks = readBlocks("docs/binding.md");
const program = blocks.find(({ language }) => language === "typescript")?.text ?? "";
const examples = blocks
  .map((block) => ({ ...block, text: block.text.replaceAll(pageHost, exampleHost) }))
  .flatMap(readExamples);

let folder: string;
let cluster: LocalCluster;
let consumer: URL;

beforeAll(async () => {
  // Inside the project, so that the compiler finds its types.
  mkdirSync(resolve(projectPath, ".wrangler"), { recursive: true });
  folder = mkdtempSync(resolve(projectPath, ".wrangler/binding-"));
  writeFileSync(join(folder, "program.ts"), program);
  cluster = await startLocalCluster({
    statePath: join(folder, "state"),
    companions: [
      {
        name: "consumer",
        entry: relative(projectPath, join(folder, "program.ts")),
        compatibilityDate: "2026-10-01",
        services: { RAFT: { worker: "durable-raft", exportName: "Raft" } },
      },
    ],
  });
  await cluster.untilReady(30_000);
  consumer = await cluster.addressOf("consumer");
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

test("it has a program, and examples of what that does", () => {
  expect(program).toContain("export default");
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test("its program compiles", () => {
  const paths = { "durable-raft": [relative(folder, resolve(projectPath, "src/index.ts"))] };
  const configuration = {
    extends: resolve(projectPath, "tsconfig.json"),
    compilerOptions: { paths },
    include: ["program.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(configuration));
  const compiler = resolve(projectPath, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [compiler, "--pretty", "false", "-p", folder], { encoding: "utf8" });
  expect(stdout.split("\n").filter((complaint) => complaint.includes("program.ts"))).toEqual([]);
});

test.each(examples)("line $line: $command", async (example) => {
  expect(await runExample(example, consumer.host)).toMatch(patternOf(example.expected));
});
