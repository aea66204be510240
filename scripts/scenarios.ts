/** `npm run scenarios`: compares the recorded traces of test/scenarios with what the core does now, or records them anew. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectPath } from "./lib/deployment.ts";
import { replayFile, titleOf } from "./stage/scenario-file.ts";

const usage = `npm run scenarios -- [--update] [NAME…]
  --update  record what the core does now; look at the difference before you commit it
  NAME      only the scenarios whose file has this in its name`;

const { values, positionals } = parseArgs({
  options: { update: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  allowPositionals: true,
});
if (values.help) console.log(usage);
else run(join(projectPath, "test/scenarios"), positionals, values.update);

function run(folder: string, names: readonly string[], update: boolean): void {
  const files = readdirSync(folder).filter((file) => file.endsWith(".txt"));
  for (const file of files.filter((name) => names.length === 0 || names.some((part) => name.includes(part)))) {
    const path = join(folder, file);
    const recorded = readFileSync(path, "utf8");
    const now = replayFile(recorded);
    const same = recorded === now;
    if (!same && update) writeFileSync(path, now);
    if (!same && !update) process.exitCode = 1;
    console.log(`${same ? "same    " : update ? "recorded" : "differs "}  ${file}: ${titleOf(recorded)}`);
  }
}
