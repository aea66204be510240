/** Bugs in how a group changes, made on purpose: the simulator has to find them while roles change. */

import { Leader } from "../../src/raft/leader.ts";
import { Membership } from "../../src/raft/membership.ts";
import type { Mutant } from "./mutants.ts";
import { patchMethod } from "./patch.ts";
import type { Settings } from "./settings.ts";

export const memberMutants: readonly Mutant[] = [
  {
    name: "a leader takes a change while an earlier one may not be in force",
    hazard: 4,
    withinSeeds: 200,
    adjust: withRoleChanges,
    install: () =>
      patchMethod(Leader.prototype, "proposeChange", (self, inputs, original) => {
        self["pendingChangeIndex"] = 0;
        return original(...inputs);
      }),
  },
  {
    name: "a configuration is not stored when it comes into force",
    hazard: 26,
    withinSeeds: 20,
    adjust: withRoleChanges,
    install: () => patchMethod(Membership.prototype, "takeUnsaved", () => null),
  },
  {
    name: "a snapshot brings no configuration",
    hazard: 19,
    withinSeeds: 50,
    adjust: withRoleChanges,
    install: () => patchMethod(Membership.prototype, "restore", () => {}),
  },
];

/** Roles change all the time, on nodes that can be demanded to come to an end. */
function withRoleChanges(settings: Settings): Settings {
  const weights = { ...settings.faults.weights, "member change": 4, crash: 1, isolation: 1 };
  return {
    ...settings,
    options: { ...settings.options, preVote: true, checkQuorum: true },
    faults: { ...settings.faults, everyMs: settings.options.electionMaxMs * 0.3, weights },
  };
}
