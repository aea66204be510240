/** The documentation does what it says: its examples are run and compared, its program compiled, its links followed. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import type { LocalCluster } from "../../scripts/lib/local-cluster.ts";
import { patternOf, readBlocks, readExamples, runExample, withoutBlocks } from "../support/examples.ts";
import type { Block } from "../support/examples.ts";
import { projectPath } from "../support/source-tree.ts";

const pages = ["README.md", ...readdirSync(resolve(projectPath, "docs")).map((name) => `docs/${name}`)];
let folder: string;

beforeAll(() => {
  // Inside the project, so that the compiler finds its types.
  mkdirSync(resolve(projectPath, ".wrangler"), { recursive: true });
  folder = mkdtempSync(resolve(projectPath, ".wrangler/readme-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the examples one after the other against a new cluster: later ones build on what earlier ones wrote. */
function describeExamples(name: string, blocks: readonly Block[], entry?: () => string): void {
  describe(`the examples of ${name}`, () => {
    let cluster: LocalCluster;

    beforeAll(async () => {
      const statePath = mkdtempSync(join(folder, "state-"));
      cluster = await startLocalCluster({ statePath, ...(entry && { entry: entry() }) });
      await cluster.untilReady(30_000);
    });

    afterAll(() => cluster.stop());

    test.each(blocks.flatMap(readExamples))("line $line: $command", async (example) => {
      expect(await runExample(example, cluster.url.host)).toMatch(patternOf(example.expected));
    });
  });
}

for (const page of pages) {
  const blocks = readBlocks(page);
  // A program's examples are those under its own heading.
  const programs = blocks.filter(({ language, text }) => language === "ts" && text.includes("export default"));
  const headings = new Set(programs.map(({ heading }) => heading));
  const ofTheStore = blocks.filter((block) => !headings.has(block.heading) && readExamples(block).length > 0);
  if (ofTheStore.length > 0) describeExamples(page, ofTheStore);
  for (const program of programs) {
    const examples = blocks.filter(({ heading }) => heading === program.heading);
    describeExamples(`${page}, ${program.heading}`, examples, () => writeProgram(program));
  }
}

/** Puts a program where it can be bundled, and refuses one that a user's compiler would refuse. Answers its path. */
function writeProgram({ text, line }: Block): string {
  const path = mkdtempSync(join(folder, `program-${line}-`));
  const [nodeClass = ""] = /(?<=^export class )\w+/m.exec(text) ?? [];
  writeFileSync(join(path, "program.ts"), text);
  // The local cluster calls the class of its nodes by this name.
  const entry = `export { default, ${nodeClass} as KeyValueNode } from "./program.ts";\n`;
  writeFileSync(join(path, "entry.ts"), entry);
  const compilerOptions = { paths: { "durable-raft": [relative(path, resolve(projectPath, "src/index.ts"))] } };
  const configuration = { extends: resolve(projectPath, "tsconfig.json"), compilerOptions, include: ["."] };
  writeFileSync(join(path, "tsconfig.json"), JSON.stringify(configuration));
  const compiler = resolve(projectPath, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [compiler, "--pretty", "false", "-p", path], { encoding: "utf8" });
  // A user's compiler sees this project's types alone, not how it comes to them.
  const complaints = stdout.split("\n").filter((complaint) => complaint.includes("program.ts"));
  if (complaints.length > 0) throw new Error(`the program at line ${line} does not compile: ${complaints.join("\n")}`);
  return join(path, "entry.ts");
}

test("the examples are found", () => {
  expect(readBlocks("README.md").flatMap(readExamples).length).toBeGreaterThan(15);
  expect(readBlocks("docs/api.md").flatMap(readExamples).length).toBeGreaterThan(15);
});

describe.each(pages)("%s", (page) => {
  const text = readFileSync(resolve(projectPath, page), "utf8");

  test("links to what is there", () => {
    const targets = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const broken = targets.filter((target) => !/^https?:/.test(target) && !leadsSomewhere(page, target));
    expect(broken).toEqual([]);
  });

  test("names commands and files that exist", () => {
    const { scripts } = JSON.parse(readFileSync(resolve(projectPath, "package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const commands = [...text.matchAll(/\bnpm (?:run ([\w-]+)|(start|test)\b)/g)].map(([, run, plain]) => run ?? plain);
    expect(commands.filter((command) => command === undefined || !(command in scripts))).toEqual([]);
    const files = [...text.matchAll(/`((?:src|test|scripts|docs)\/[\w./-]*)`/g)].map(([, file = ""]) => file);
    expect(files.filter((file) => !existsSync(resolve(projectPath, file)))).toEqual([]);
  });
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? resolve(projectPath, page) : resolve(projectPath, dirname(page), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(readFileSync(file, "utf8")).includes(anchor);
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...withoutBlocks(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
