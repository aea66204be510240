/** Bugs in the sending and taking of snapshots, made on purpose. */

import type { Page } from "../../src/node/snapshot-store.ts";
import { TableCut } from "../../src/node/table-cut.ts";
import type { RaftLog } from "../../src/raft/log.ts";
import type { Snapshot } from "../../src/raft/message.ts";
import { Raft } from "../../src/raft/raft.ts";
import { MemorySnapshots } from "./disk/memory-snapshots.ts";
import { type Mutant, withManyLeaders } from "./mutants.ts";
import { patchMethod } from "./patch.ts";
import type { Settings } from "./settings.ts";

export const snapshotMutants: readonly Mutant[] = [
  {
    name: "a state that is being sent changes with what is applied meanwhile",
    hazard: 18,
    withinSeeds: 100,
    adjust: (settings) => ({ ...withSnapshots(settings), storage: "sqlite" }),
    install: () => patchMethod(TableCut.prototype, "saveRow", () => "SELECT 1;"),
  },
  {
    name: "a part of a state takes the place of a whole one",
    hazard: 18,
    withinSeeds: 100,
    adjust: withSnapshots,
    install: () =>
      patchMethod(MemorySnapshots.prototype, "readCut", (_self, [maxBytes], read) => {
        return { ...(read(maxBytes) as Page), done: true };
      }),
  },
  {
    name: "a snapshot has the index of the last entry, not that of the last one applied",
    hazard: 42,
    withinSeeds: 100,
    adjust: withSnapshots,
    install: () =>
      patchMethod(Raft.prototype, "snapshot", (self, _inputs, snapshot) => {
        const { lastIndex } = self["log"] as RaftLog;
        return { ...(snapshot() as Snapshot), index: lastIndex };
      }),
  },
  {
    name: "a leader that has lost the answer to a snapshot waits for it for ever",
    hazard: 20,
    withinSeeds: 100,
    adjust: withSnapshots,
    install: () => patchMethod(Raft.prototype, "reportSnapshot", () => {}),
  },
];

/** Logs so short, and pages so small, that whoever was away gets the state in many parts. */
function withSnapshots(settings: Settings): Settings {
  const limits = { ...settings.limits, keepEntries: 1, keepBytes: 100, maxPageBytes: 100 };
  return { ...withManyLeaders(settings), limits };
}
