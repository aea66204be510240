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
      atStart((sql) => {
        sql.exec("DELETE FROM raft_log WHERE first_index > (SELECT applied_index FROM raft_state)");
      }),
  },
  "volatile-pages": {
    text: "of a state that a node is being sent, what it has acknowledged is gone with its process",
    nemesis: ["half-state"],
    install: () => atStart((sql) => empty(sql, "raft_staged_%")),
  },
  "volatile-leases": {
    text: "when leases end is known to a node only as long as its process lives",
    nemesis: ["kill-all", "kill"],
    install: () => atStart((sql) => empty(sql, "kv_leases")),
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

/** Does something to what a process has stored when another one begins with it. */
function atStart(change: (sql: Sql) => void): void {
  patchMethod(SqlStorage.prototype, "open", (self, _inputs, original) => {
    change(self["sql"] as Sql);
    return original();
  });
}

/** Empties the tables of these names that there are. */
function empty(sql: Sql, names: string): void {
  const query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE ?";
  for (const { name } of sql.exec<{ name: string }>(query, names).toArray()) sql.exec(`DELETE FROM ${name}`);
}

let installed = "";

/** Makes the mistake of this name, once; none if the name is empty. */
export function installMutant(name: string): void {
  if (name === installed) return;
  installed = name;
  mutants[name]?.install();
}
