/** Mistakes made on purpose that show when processes are killed or paused: what a chaos run has to find to be believed. */

import type { Sql } from "../../src/machine.ts";
import { SqlStorage } from "../../src/node/sql-storage.ts";
import type { HardState } from "../../src/raft/entry.ts";
import { Leader } from "../../src/raft/leader.ts";
import type { Raft } from "../../src/raft/raft.ts";
import { patchMethod } from "../../test/sim/patch.ts";

export interface Mutant {
  /** What it does wrong. */
  readonly text: string;
  /** The faults that bring it out. */
  readonly nemesis: readonly string[];
  /** Puts the mistake into the code of this process. */
  readonly install: () => void;
}

export const mutants: Readonly<Record<string, Mutant>> = {
  "volatile-vote": {
    text: "a node remembers whom it voted for only as long as its process lives",
    nemesis: ["ballot"],
    install: () =>
      void patchMethod(SqlStorage.prototype, "saveHardState", (_self, [given], original) =>
        original({ ...(given as HardState), vote: null }),
      ),
  },
  "volatile-tail": {
    text: "what a node has acknowledged and not applied is gone with its process",
    nemesis: ["last-copy"],
    install: () =>
      void patchMethod(SqlStorage.prototype, "open", (self, _inputs, original) => {
        const sql = self["sql"] as Sql;
        sql.exec("DELETE FROM raft_log WHERE first_index > (SELECT applied_index FROM raft_state)");
        return original();
      }),
  },
  "unconfirmed-reads": {
    text: "a leader answers reads without asking whether it still leads",
    nemesis: ["pause-leader", "isolate-leader"],
    install: () =>
      void patchMethod(Leader.prototype, "readIndex", (self, [context]) => {
        const raft = self["raft"] as Raft;
        raft.confirmRead({ context: context as number, index: raft.log.commitIndex });
        return true;
      }),
  },
};

let installed = "";

/** Makes the mistake of this name, once; none if the name is empty. */
export function installMutant(name: string): void {
  if (name === installed) return;
  installed = name;
  mutants[name]?.install();
}
