/** Prints how far our core behaves as etcd/raft's recorded scenarios do: a line a file, then the sum. */

import { existsSync, readFileSync } from "node:fs";
import { replay } from "./conformance/replay.ts";
import type { RecordedStep } from "./conformance/replay.ts";

const file = process.argv[2] ?? "../shared/conformance/etcd-raft-states.ndjson";

/** Scenarios of features that we leave out, with the reason. */
const outOfScope = new Map([
  ["async_storage_writes.txt", "etcd's own storage threads; here a turn is one transaction"],
  ["async_storage_writes_append_aba_race.txt", "etcd's own storage threads; here a turn is one transaction"],
  ["confchange_disable_validation.txt", "an option to switch validation off, which we do not have"],
  ["confchange_v1_remove_leader.txt", "a removed leader that goes on leading, etcd's legacy default"],
]);

if (!existsSync(file)) {
  console.log(`no recorded scenarios at ${file}: nothing to compare`);
  process.exit(0);
}

const files = new Map<string, RecordedStep[]>();
for (const line of readFileSync(file, "utf8").split("\n")) {
  if (line === "") continue;
  // The file is a recording; a row of another shape fails in the replay.
  const step = JSON.parse(line) as RecordedStep;
  files.set(step.file, [...(files.get(step.file) ?? []), step]);
}

let checkpoints = 0;
let matched = 0;
for (const [name, steps] of files) {
  const reason = outOfScope.get(name);
  if (reason !== undefined) {
    console.log(`skipped  ${name}: ${reason}`);
    continue;
  }
  const result = replay(steps);
  checkpoints += result.checkpoints;
  matched += result.matched;
  const verdict = result.matched === result.checkpoints ? "matches" : "differs";
  console.log(`${verdict}  ${name}: ${result.matched} of ${result.checkpoints}`);
  for (const { line, cmd, node, field, expected, actual } of result.differences.slice(0, 8)) {
    console.log(`         line ${line} "${cmd}", node ${node}, ${field}: etcd ${expected}, ours ${actual}`);
  }
}
console.log(`checkpoints matched: ${matched} of ${checkpoints}`);
process.exitCode = matched === checkpoints ? 0 : 1;
