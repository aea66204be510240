/** Bugs in the keeping of cluster time and of timers. */

import { ClusterTime } from "../../src/raft/cluster-time.ts";
import { MachineTimer } from "../../src/raft/machine-timer.ts";
import type { Raft } from "../../src/raft/raft.ts";
import { type Mutant, withManyLeaders } from "./mutants.ts";
import { patchMethod } from "./patch.ts";
import { nodeIds, type Settings } from "./settings.ts";

export const timeMutants: readonly Mutant[] = [
  {
    name: "an entry is stamped by its leader's wall clock",
    hazard: 31,
    withinSeeds: 20,
    install: () => patchMethod(ClusterTime.prototype, "read", (_self, [nowMs]) => Math.floor(Number(nowMs))),
  },
  {
    name: "a leader goes on from what it once heard of time, whoever has led since",
    hazard: null,
    withinSeeds: 400,
    adjust: withLongRests,
    install: () =>
      patchMethod(ClusterTime.prototype, "lead", (self, [term, lastStampMs, nowMs], original) => {
        if (self["timeMs"] !== 0) self["term"] = Number(term) - 1;
        original(term, lastStampMs, nowMs);
      }),
  },
  {
    name: "a follower that has rested believes its own count of the time rather than its leader's",
    hazard: null,
    withinSeeds: 20,
    adjust: withLongRests,
    install: () =>
      patchMethod(ClusterTime.prototype, "recall", (self) => {
        self["timeMs"] = Math.max(Number(self["timeMs"]), Number(self["heardMs"]));
        if (self["pace"] !== "resting") self["pace"] = "standing";
      }),
  },
  {
    name: "a timer is proposed before its time",
    hazard: null,
    withinSeeds: 20,
    adjust: withTimers,
    install: () =>
      patchMethod(MachineTimer.prototype, "isDue", (self, [nowMs], original) => {
        const { clusterTime } = self["raft"] as Raft;
        const { timerMs } = clusterTime;
        clusterTime.timerMs -= 2;
        const isDue = original(nowMs);
        clusterTime.timerMs = timerMs;
        return isDue;
      }),
  },
  {
    name: "a leader is late with what is due",
    hazard: null,
    withinSeeds: 20,
    adjust: withTimers,
    install: () => {
      const dueSinceMs = new WeakMap<object, number>();
      return patchMethod(MachineTimer.prototype, "isDue", (self, [nowMs], original) => {
        if (original(nowMs) !== true) return false;
        const sinceMs = dueSinceMs.get(self) ?? Number(nowMs);
        dueSinceMs.set(self, sinceMs);
        const { options } = self["raft"] as Raft;
        const isDue = Number(nowMs) - sinceMs > 4 * options.heartbeatMs;
        if (isDue) dueSinceMs.delete(self);
        return isDue;
      });
    },
  },
  {
    name: "a timer is proposed again while that is on its way",
    hazard: null,
    withinSeeds: 50,
    adjust: withTimers,
    install: () => patchMethod(MachineTimer.prototype, "proposed", () => {}),
  },
  {
    name: "a new leader proposes a timer that its log says has rung",
    hazard: null,
    withinSeeds: 300,
    adjust: (settings) => withTimers(withManyLeaders(settings)),
    install: () => {
      const firstIndexes = new WeakMap<object, unknown>();
      return patchMethod(MachineTimer.prototype, "isDue", (self, [nowMs], original) => {
        const { knownAtIndex } = self;
        if (!firstIndexes.has(self)) firstIndexes.set(self, knownAtIndex);
        if (firstIndexes.get(self) === knownAtIndex) self["knownAtIndex"] = 0;
        const isDue = original(nowMs);
        self["knownAtIndex"] = knownAtIndex;
        return isDue;
      });
    },
  },
];

function withTimers(settings: Settings): Settings {
  return { ...settings, storage: "memory", store: null, timers: true };
}

/** Groups that rest between two requests, and clocks that nobody sets: there, time that runs ahead is seen. */
function withLongRests(settings: Settings): Settings {
  const { electionMaxMs } = settings.options;
  const few = { ...settings.clients, count: 1, thinkMs: 2 * electionMaxMs, patienceMs: electionMaxMs };
  const weights = { ...settings.faults.weights, crash: 1, deploy: 1, isolation: 1, "clock jump": 0 };
  return {
    ...settings,
    voters: nodeIds(3),
    learners: [],
    storage: "memory",
    store: null,
    options: { ...settings.options, idleAfterMs: electionMaxMs },
    clients: few,
    faults: { weights, everyMs: 3 * electionMaxMs, lastsMs: electionMaxMs },
    faultyMs: 60 * electionMaxMs,
  };
}
