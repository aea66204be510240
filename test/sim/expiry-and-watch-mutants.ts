/** Bugs made on purpose in what the store does over time: leases that end, and watches that go on. */

import type { CommittedCommand } from "../../src/machine.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import { decodeCommand, encodeCommand } from "../../src/kv/command-codec.ts";
import type { QueryAnswer } from "../../src/kv/model.ts";
import { Leases } from "../../src/kv/store/leases.ts";
import { Queries } from "../../src/kv/store/queries.ts";
import type { StoreParts } from "../../src/kv/store/store-parts.ts";
import { WatchHub } from "../../src/kv/watch/watch-hub.ts";
import { StateTimer } from "../../src/node/state-timer.ts";
import { Subscriptions } from "../../src/node/subscriptions.ts";
import { MachineTimer } from "../../src/raft/machine-timer.ts";
import type { Mutant } from "./mutants.ts";
import { type Insides, patchMethod } from "./patch.ts";
import type { FaultKind, Settings } from "./settings.ts";
import { sqlOf, withBusyStores, withStore } from "./store-mutants.ts";

export const expiryAndWatchMutants: readonly Mutant[] = [
  {
    name: "a lease ends some time before its end",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () =>
      patchMethod(Leases.prototype, "expired", (_self, [nowMs, limit], original) =>
        original(Number(nowMs) + 300, limit),
      ),
  },
  {
    name: "a change of leader renews all leases",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () => atNewTerms((self, { timeMs }) => renewAll(self, timeMs)),
  },
  {
    name: "a change of leader ends all leases and keeps their keys",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () =>
      atNewTerms((self) => {
        sqlOf(self).exec("DELETE FROM kv_leases WHERE own_key IS NULL");
        sqlOf(self).exec("DELETE FROM kv_lease_keys");
      }),
  },
  {
    name: "keeping a lease alive is acknowledged and not done",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () => patchMethod(Leases.prototype, "renew", () => {}),
  },
  {
    name: "a lease that is revoked leaves its keys",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () => patchMethod(Leases.prototype, "keysOf", () => []),
  },
  {
    name: "a key that leaves its lease ends with it all the same",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () => patchMethod(Leases.prototype, "detach", () => {}),
  },
  {
    name: "a timer of the store is proposed again before it has had its effect",
    hazard: 52,
    withinSeeds: 100,
    adjust: withBusyStores,
    install: () => patchMethod(MachineTimer.prototype, "proposed", () => {}),
  },
  {
    name: "a leader does not look for new timers",
    hazard: 52,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () => patchMethod(StateTimer.prototype, "changed", () => {}),
  },
  {
    name: "history is compacted by itself that is to be kept",
    hazard: null,
    withinSeeds: 50,
    adjust: withRetention,
    install: () =>
      patchMethod(KeyValueMachine.prototype, "timerCommand", (self, _inputs, original) => {
        const command = decodeCommand(original() as Uint8Array);
        const { meta } = self["parts"] as StoreParts;
        const isCompaction = command?.body.kind === "compact";
        return isCompaction ? compactionAt(meta.revision) : original();
      }),
  },
  {
    name: "history that is to be forgotten by itself is kept",
    hazard: null,
    withinSeeds: 50,
    adjust: withRetention,
    install: () =>
      patchMethod(KeyValueMachine.prototype, "nextTimerMs", (self) => (self as { ownTimerMs?: number }).ownTimerMs),
  },
  {
    name: "a checksum depends on what is compacted",
    hazard: null,
    withinSeeds: 50,
    adjust: (settings) => withStore(withBusyStores(settings), { compactionRate: 0.1 }),
    install: () =>
      patchMethod(Queries.prototype, "hash", (_self, inputs, original) => {
        const answer = original(...inputs) as QueryAnswer;
        return answer.status === "hash" ? { ...answer, hash: (answer.hash + answer.compactRevision) >>> 0 } : answer;
      }),
  },
  {
    name: "a watch misses the revision that it begins with",
    hazard: null,
    withinSeeds: 50,
    adjust: withWatchers,
    install: () =>
      patchMethod(WatchHub.prototype, "begin", (_self, [watcher, start, ...rest], original) =>
        original(watcher, Number(start) > 0 ? Number(start) + 1 : start, ...rest),
      ),
  },
  {
    name: "a watch that goes on at a node that is new repeats a revision",
    hazard: null,
    withinSeeds: 100,
    adjust: (settings) => withFaults(withWatchers(settings), { eviction: 3, isolation: 1 }),
    install: () =>
      patchMethod(WatchHub.prototype, "nextOf", (_self, inputs, original) => {
        const { revision } = original(...inputs) as { readonly revision: number };
        return { revision: Math.max(1, revision - 1), rows: 0 };
      }),
  },
  {
    name: "a watch loses what is applied in the turn that compacts the history",
    hazard: null,
    withinSeeds: 100,
    adjust: (settings) => withStore(withWatchers(settings), { compactionRate: 0.15 }),
    install: () =>
      patchMethod(WatchHub.prototype, "hold", (self) => {
        const { meta } = self["parts"] as StoreParts;
        self["published"] = { revision: meta.revision, lastPosition: meta.lastPosition };
      }),
  },
  {
    name: "a watch of what is forgotten goes on with what is left",
    hazard: null,
    withinSeeds: 300,
    adjust: (settings) => withStore(withWatchers(settings), { compactionRate: 0.15 }),
    install: () => patchMethod(WatchHub.prototype, "cancel", () => {}),
  },
  {
    name: "watchers stay with the state machine that a snapshot has replaced",
    hazard: null,
    withinSeeds: 100,
    adjust: (settings) => {
      const busy = withWatchers(settings);
      return { ...busy, limits: { ...busy.limits, keepEntries: 1, keepBytes: 100, maxEntries: 12 } };
    },
    install: () =>
      patchMethod(Subscriptions.prototype, "published", (self, _inputs, original) => original(self["machine"])),
  },
  {
    name: "watchers hear of changes in the turn that makes them, before these are stored",
    hazard: 38,
    withinSeeds: 100,
    adjust: (settings) => ({ ...withWatchers(settings), disk: { flushMs: 20, slowRate: 0.1 } }),
    install: () =>
      patchMethod(KeyValueMachine.prototype, "apply", (self, inputs, original) => {
        const results = original(...inputs);
        (self as unknown as KeyValueMachine).publish();
        return results;
      }),
  },
];

function withRetention(settings: Settings): Settings {
  const busy = withBusyStores(settings);
  const retention = { kind: "age", ageMs: 1000 } as const;
  return withStore(busy, { compactionRate: 0, options: { ...busy.store?.options, retention } });
}

function compactionAt(revision: number): Uint8Array {
  return encodeCommand({ body: { kind: "compact", revision }, idempotency: null });
}

function withWatchers(settings: Settings): Settings {
  return withStore(withBusyStores(settings), { watchers: 4 });
}

function withFaults(settings: Settings, weights: Partial<Record<FaultKind, number>>): Settings {
  return { ...settings, faults: { ...settings.faults, weights: { ...settings.faults.weights, ...weights } } };
}

/** Does something before the first command of each term. */
function atNewTerms(act: (self: Insides, command: CommittedCommand) => void): () => void {
  const terms = new WeakMap<Insides, number>();
  return patchMethod(KeyValueMachine.prototype, "applyOne", (self, [given], original) => {
    const command = given as CommittedCommand;
    const known = terms.get(self) ?? command.term;
    if (known !== command.term) act(self, command);
    terms.set(self, command.term);
    return original(command);
  });
}

function renewAll(self: Insides, timeMs: number): void {
  sqlOf(self).exec("UPDATE kv_leases SET expires_at_ms = ? + ttl_ms", timeMs);
  const { leases } = self["parts"] as { readonly leases: unknown };
  (leases as { earliest: unknown }).earliest = undefined;
}
