/** Bugs made on purpose in the leases that reads rest on, and worlds that are hard on leases. */

import { Leader } from "../../src/raft/leader.ts";
import { worstDriftMs } from "./draw-settings.ts";
import { type Mutant, raftOf } from "./mutants.ts";
import { interceptStorage } from "./disk/recording-storage.ts";
import { type Insides, patchMethod } from "./patch.ts";
import { type FaultKind, nodeIds, noFaults, type Settings } from "./settings.ts";

export const leaseMutants: readonly Mutant[] = [
  {
    name: "a lease never ends",
    hazard: 10,
    withinSeeds: 200,
    adjust: (settings) => withLeases(settings, 0),
    install: () =>
      patchMethod(Leader.prototype, "leaseMs", (self, inputs, original) =>
        leaseBegan(self) ? 1 : original(...inputs),
      ),
  },
  {
    name: "clocks drift apart by more than the bound that leases trust",
    hazard: 10,
    withinSeeds: 200,
    adjust: (settings) => withDrift(withLonelyLeaders(withLeases(settings, 0), { isolation: 1 }), 0.5),
  },
  {
    name: "a promise to elect nobody else is forgotten in a restart",
    hazard: 10,
    withinSeeds: 300,
    adjust: (settings) => withLonelyLeaders(withLeases(settings, 0), { desertion: 1 }),
    tampering: {
      storage: (storage) =>
        interceptStorage(storage, {
          saveHardState: ({ term, vote }) => storage.saveHardState({ term, vote }),
        }),
    },
  },
];

/** Leases that trust clocks to be as good as that, and clocks that nobody sets and that are no worse. */
export function withLeases(settings: Settings, driftRate: number): Settings {
  const maxClockDriftMs = worstDriftMs(settings.options.electionMinMs, driftRate);
  return {
    ...settings,
    options: { ...settings.options, checkQuorum: true, leaseReads: true, maxClockDriftMs },
    clocks: { ...settings.clocks, driftRate },
    faults: { ...settings.faults, weights: { ...settings.faults.weights, "clock jump": 0 } },
  };
}

/** Clocks as bad as that, of which the leases need not know. */
export function withDrift(settings: Settings, driftRate: number): Settings {
  return { ...settings, clocks: { ...settings.clocks, driftRate } };
}

/** Three voters whose leader loses the others, who elect soon, and not its clients, who read more than they wait. */
export function withLonelyLeaders(settings: Settings, weights: Partial<Record<FaultKind, number>>): Settings {
  const { electionMinMs } = settings.options;
  const timeoutMs = 2 * electionMinMs;
  return {
    ...settings,
    voters: nodeIds(3),
    learners: [],
    // Reads of single keys, which are many and quick, show all that there is to see.
    storage: "memory",
    store: null,
    timers: false,
    options: { ...settings.options, electionMaxMs: electionMinMs * 1.1 },
    clients: { ...settings.clients, count: 6, thinkMs: timeoutMs / 60, patienceMs: timeoutMs / 10, strayRate: 0.3 },
    faults: { weights: { ...noFaults, ...weights }, everyMs: timeoutMs, lastsMs: 2 * timeoutMs },
    faultyMs: 60 * timeoutMs,
  };
}

function leaseBegan(self: Insides): boolean {
  const { options, log, term } = raftOf(self);
  const { untilMs } = self["lease"] as { readonly untilMs: number };
  return options.leaseReads && Number.isFinite(untilMs) && log.term(log.commitIndex) === term;
}
