/** Bugs made on purpose in the key-value store: what it remembers, forgets, and does all of or nothing. */

import type { CommittedCommand, Sql } from "../../src/machine.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import type { TxnOperation } from "../../src/kv/model.ts";
import { Commands } from "../../src/kv/store/commands.ts";
import { Compaction } from "../../src/kv/store/compaction.ts";
import { History } from "../../src/kv/store/history.ts";
import { KeyIndex } from "../../src/kv/store/key-index.ts";
import { exists, keyStateOf, type KeyState, type KeyStateRow } from "../../src/kv/store/key-state.ts";
import { bytesOf } from "../../src/kv/store/key-text.ts";
import type { ScanOptions } from "../../src/kv/store/key-view.ts";
import { PastView } from "../../src/kv/store/past-view.ts";
import { Remembered } from "../../src/kv/store/remembered.ts";
import type { Meta } from "../../src/kv/store/schema.ts";
import { Sessions } from "../../src/kv/store/sessions.ts";
import { SqlSnapshots } from "../../src/node/sql-snapshots.ts";
import { interceptStorage } from "./disk/recording-storage.ts";
import { withWholeStore } from "./draw-settings.ts";
import { type Mutant, withManyLeaders } from "./mutants.ts";
import { type Insides, patchMethod } from "./patch.ts";
import type { Settings, StoreSettings } from "./settings.ts";

export const storeMutants: readonly Mutant[] = [
  {
    name: "a snapshot leaves out which commands took effect",
    hazard: 31,
    withinSeeds: 50,
    adjust: withSentStores,
    install: () => leaveOutOfSnapshots("kv_remembered"),
  },
  {
    name: "a snapshot leaves out which keys go with leases",
    hazard: 31,
    withinSeeds: 50,
    adjust: withSentStores,
    install: () => leaveOutOfSnapshots("kv_lease_keys"),
  },
  {
    name: "a command that is repeated takes effect again",
    hazard: 31,
    withinSeeds: 50,
    adjust: withRepetitions,
    install: () => patchMethod(Remembered.prototype, "recall", () => undefined),
  },
  {
    name: "a command that is repeated in a session takes effect again",
    hazard: 31,
    withinSeeds: 100,
    adjust: withRepetitions,
    install: () => patchMethod(Sessions.prototype, "recall", () => undefined),
  },
  {
    name: "a session is kept in memory alone, and forgotten in a restart",
    hazard: 31,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () =>
      patchMethod(Sessions.prototype, "open", (self, inputs, original) => {
        const isOpen = original(...inputs);
        sqlOf(self).exec("DELETE FROM kv_sessions WHERE id = ?", String(inputs[0]));
        return isOpen;
      }),
  },
  {
    name: "a session's use does not make it last longer",
    hazard: 31,
    withinSeeds: 200,
    adjust: withBusyStores,
    install: () =>
      patchMethod(Sessions.prototype, "use", (self, [id, nowMs]) => {
        const session = (self["sessions"] as Map<unknown, { usedMs: number; ttlMs: number }>).get(id);
        return session !== undefined && Number(nowMs) < session.usedMs + session.ttlMs;
      }),
  },
  {
    name: "the last commands before a restart are applied again after it",
    hazard: 30,
    withinSeeds: 50,
    adjust: withBusyStores,
    tampering: {
      storage: (storage) =>
        interceptStorage(storage, {
          saveAppliedIndex: (index) => storage.saveAppliedIndex(Math.max(0, index - 1)),
        }),
    },
  },
  {
    name: "what the index table knows is marked before it does",
    hazard: 30,
    withinSeeds: 50,
    adjust: withSmallIndexes,
    install: () =>
      patchMethod(KeyIndex.prototype, "mark", (self) => {
        const meta = self["meta"] as Meta;
        meta.mergedPosition = meta.lastPosition;
      }),
  },
  {
    name: "a range shows a key of the index table that was deleted since",
    hazard: null,
    withinSeeds: 50,
    adjust: withSmallIndexes,
    install: () => patchMethod(KeyIndex.prototype, "scan", showDeleted),
  },
  {
    name: "a range counts the keys of the index table alone",
    hazard: null,
    withinSeeds: 50,
    adjust: withSmallIndexes,
    install: () =>
      patchMethod(KeyIndex.prototype, "count", (self, inputs, original) => {
        const recent = self["recent"];
        self["recent"] = { range: () => [] };
        const count = original(...inputs);
        self["recent"] = recent;
        return count;
      }),
  },
  {
    name: "a read at a past revision sees what is there now",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () =>
      patchMethod(PastView.prototype, "scan", (self, inputs) => {
        return (self["index"] as KeyIndex).scan(...(inputs as Parameters<KeyIndex["scan"]>));
      }),
  },
  {
    name: "a compaction forgets the newest version of a key",
    hazard: null,
    withinSeeds: 50,
    adjust: withCompactions,
    install: () =>
      patchMethod(History.prototype, "forget", (self, [positions], original) => {
        const [newest] = sqlOf(self).exec<{ last: number }>("SELECT max(position) AS last FROM kv_revisions").toArray();
        return original([...(positions as readonly number[]), newest?.last ?? 0]);
      }),
  },
  {
    name: "a compaction forgets what was replaced behind its revision",
    hazard: null,
    withinSeeds: 100,
    adjust: withCompactions,
    install: () =>
      patchMethod(Compaction.prototype, "lastPosition", (self, _inputs, original) => {
        const { meta } = self["parts"] as { readonly meta: Meta };
        return meta.compactRevision === 0 ? original() : meta.lastPosition;
      }),
  },
  {
    name: "a transaction that is refused leaves half of itself",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () =>
      patchMethod(Commands.prototype, "txn", (_self, [given, ...rest], original) => {
        const outcome = original(given, ...rest);
        const { success } = given as TxnOperation;
        const isRefused = statusOf(outcome) === "refused";
        if (isRefused) original({ ...(given as TxnOperation), success: success.slice(0, 1) }, ...rest);
        return outcome;
      }),
  },
  {
    name: "a nested transaction compares with what the one around it has done",
    hazard: null,
    withinSeeds: 100,
    adjust: withBusyStores,
    install: () => patchMethod(Commands.prototype, "txn", compareLate),
  },
  {
    name: "a transaction's other branch is done when a compare of a missing key holds",
    hazard: null,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () =>
      patchMethod(Commands.prototype, "txn", (_self, [given, ...rest], original) => {
        const txn = given as TxnOperation;
        const isOfMissing = txn.compares.some((compare) => compare.target === "mod" && compare.operand === 0);
        return original(isOfMissing ? { ...txn, success: txn.failure } : txn, ...rest);
      }),
  },
  {
    name: "a batch's counters are not stored",
    hazard: 38,
    withinSeeds: 50,
    adjust: withBusyStores,
    install: () =>
      patchMethod(KeyValueMachine.prototype, "apply", (self, [given], original) => {
        const results = original(given);
        const last = (given as readonly CommittedCommand[]).at(-1);
        // Of some batches only: else it would be seen at once.
        const isChosen = (last?.index ?? 0) % 5 === 0;
        if (isChosen) sqlOf(self).exec("UPDATE kv_meta SET revision = revision - 1 WHERE revision > 1");
        return results;
      }),
  },
];

/** Three voters that fail all the time, under clients and watchers of the whole store. */
export function withBusyStores(settings: Settings): Settings {
  const whole = withWholeStore(withManyLeaders(settings));
  return withStore(whole, { watchers: 2, compactionRate: 0.03 });
}

export function withStore(settings: Settings, changes: Partial<StoreSettings>): Settings {
  return settings.store === null ? settings : { ...settings, store: { ...settings.store, ...changes } };
}

function withRepetitions(settings: Settings): Settings {
  const busy = withBusyStores(settings);
  return { ...busy, clients: { ...busy.clients, idempotentRate: 1 } };
}

function withSmallIndexes(settings: Settings): Settings {
  const busy = withBusyStores(settings);
  const index = { maxRecentKeys: 3, mergedKeys: 2, maxRecentRows: 6, eraRows: 4 };
  return withStore(busy, { options: { ...busy.store?.options, index } });
}

function withCompactions(settings: Settings): Settings {
  return withStore(withBusyStores(settings), { compactionRate: 0.1 });
}

function withSentStores(settings: Settings): Settings {
  const busy = withRepetitions(settings);
  return { ...busy, limits: { ...busy.limits, keepEntries: 1, keepBytes: 100, maxEntries: 12, maxPageBytes: 1000 } };
}

export function sqlOf(self: Insides): Sql {
  return self["sql"] as Sql;
}

function leaveOutOfSnapshots(table: string): () => void {
  return patchMethod(SqlSnapshots.prototype, "installStaging", (self, inputs, original) => {
    original(...inputs);
    sqlOf(self).exec(`DELETE FROM ${table}`);
  });
}

function statusOf(outcome: unknown): string {
  return (outcome as { readonly result: { readonly status: string } }).result.status;
}

/** As if the index in memory did not know of deletions. */
function* showDeleted(
  self: Insides,
  [range, given]: readonly unknown[],
  original: (...inputs: readonly unknown[]) => unknown,
): Generator<KeyState> {
  const options = given as ScanOptions | undefined;
  const states = original(range, { ...options, withDeleted: true }) as Iterable<KeyState>;
  for (const state of states) {
    const { key } = state;
    const isShown = exists(state) || options?.withDeleted === true;
    const indexed = "SELECT * FROM kv_keys WHERE key = ? AND version > 0";
    const rows = isShown ? [] : sqlOf(self).exec<KeyStateRow>(indexed, bytesOf(key)).toArray();
    yield* isShown ? [state] : rows.map((row) => keyStateOf(row));
  }
}

/** Does what is around nested transactions first, and them behind it, at the same revision. */
function compareLate(
  self: Insides,
  [given, ...rest]: readonly unknown[],
  original: (...inputs: readonly unknown[]) => unknown,
): unknown {
  const txn = given as TxnOperation;
  const without = (branch: TxnOperation["success"]): TxnOperation["success"] =>
    branch.filter(({ kind }) => kind !== "txn");
  const nested = txn.success.filter((operation) => operation.kind === "txn");
  if (nested.length === 0) return original(given, ...rest);
  const { meta } = self["parts"] as { readonly meta: Meta };
  const before = meta.revision;
  const outcome = original({ ...txn, success: without(txn.success) }, ...rest);
  if (statusOf(outcome) === "refused" || meta.revision === before) return outcome;
  for (const inner of nested) {
    meta.revision = before;
    original(inner, ...rest);
    meta.revision = before + 1;
  }
  return outcome;
}
