/** Bugs in how a group changes, made on purpose: the simulator has to find them while roles change. */

import { Driver } from "../../src/node/driver.ts";
import { Gatekeeper } from "../../src/node/gatekeeper.ts";
import { Leader } from "../../src/raft/leader.ts";
import { Membership } from "../../src/raft/membership.ts";
import type { Mutant } from "./mutants.ts";
import { type Insides, patchMethod } from "./patch.ts";
import { nodeIds, type Settings } from "./settings.ts";

export const memberMutants: readonly Mutant[] = [
  {
    name: "a leader takes a change while an earlier one may not be in force",
    hazard: 4,
    withinSeeds: 200,
    adjust: withRoleChanges,
    install: () =>
      patchMethod(Leader.prototype, "proposeChange", (self, inputs, original) => {
        (self["changes"] as Insides)["untilIndex"] = 0;
        return original(...inputs);
      }),
  },
  {
    name: "a change is answered as soon as it is in force on the leader",
    hazard: 36,
    withinSeeds: 200,
    adjust: withReplacements,
    install: () =>
      patchMethod(Driver.prototype, "confirm", () =>
        Promise.resolve({ done: true, result: new Uint8Array(0), index: 0 }),
      ),
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
  {
    name: "peers are known by their names alone, and a node that lost its storage goes on under its own",
    hazard: 36,
    withinSeeds: 300,
    adjust: withReplacements,
    install: () => patchMethod(Gatekeeper.prototype, "check", () => {}),
  },
  {
    name: "whoever was away refuses a leader that has come back with another storage",
    hazard: 36,
    withinSeeds: 600,
    adjust: withReplacements,
    install: () => patchMethod(Gatekeeper.prototype, "isAhead", () => false),
  },
];

/** Nodes lose their storages and their places, and come back, while others are away. */
function withReplacements(settings: Settings): Settings {
  const { electionMaxMs } = settings.options;
  const weights = { ...settings.faults.weights, wipe: 2, removal: 2, isolation: 1, "member change": 0 };
  return {
    ...settings,
    voters: nodeIds(4),
    learners: [],
    storage: "memory",
    store: null,
    options: { ...settings.options, preVote: true, checkQuorum: true },
    faults: { everyMs: electionMaxMs, lastsMs: 4 * electionMaxMs, weights },
    faultyMs: 60 * electionMaxMs,
  };
}

/** Roles change all the time, on nodes that can be demanded to come to an end. */
function withRoleChanges(settings: Settings): Settings {
  const weights = { ...settings.faults.weights, "member change": 4, crash: 1, isolation: 1 };
  return {
    ...settings,
    options: { ...settings.options, preVote: true, checkQuorum: true },
    faults: { ...settings.faults, everyMs: settings.options.electionMaxMs * 0.3, weights },
  };
}
