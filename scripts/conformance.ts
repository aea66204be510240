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

const countsAtOnce =
  "alone in its group, our leader counts its entry in the turn that writes it, etcd/raft in the Ready after that";

/** Checkpoints at which we differ on purpose, by file and line. */
const intended = new Map([
  ["confchange_v1_add_single.txt:15", countsAtOnce],
  ["confchange_v2_add_double_auto.txt:17", countsAtOnce],
  ["confchange_v2_add_double_auto.txt:42", countsAtOnce],
  ["confchange_v2_add_double_implicit.txt:19", countsAtOnce],
  ["confchange_v2_add_single_auto.txt:17", countsAtOnce],
  ["confchange_v2_add_single_explicit.txt:17", countsAtOnce],
  [
    "snapshot_succeed_via_app_resp_behind.txt:120",
    "a snapshot counts as applied when the core takes it, in etcd/raft when the host has; both before any answer leaves",
  ],
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
let unexpected = 0;
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
  for (const [line, differences] of Map.groupBy(result.differences, (difference) => difference.line)) {
    const known = intended.get(`${name}:${line}`);
    if (known === undefined) unexpected += 1;
    console.log(`         line ${line}: ${known ?? "not intended"}`);
    for (const { cmd, node, field, expected, actual } of known === undefined ? differences : []) {
      console.log(`           "${cmd}", node ${node}, ${field}: etcd ${expected}, ours ${actual}`);
    }
  }
}
console.log(`checkpoints matched: ${matched} of ${checkpoints}`);
process.exitCode = unexpected === 0 ? 0 : 1;
