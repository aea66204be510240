/** What a simulated world is like: who is in it, how fast it is, and what goes wrong how often. */

import type { StoreOptions } from "../../src/kv/machine.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import { defaultSnapshotLimits, type SnapshotLimits } from "../../src/node/snapshots.ts";
import { defaultOptions, type RaftOptions } from "../../src/raft/options.ts";

/** Which state machine runs, and on which disk: a small one in memory, or the key-value store on SQLite. */
export type StorageKind = "memory" | "sqlite";

/** Rates are probabilities from 0 to 1; times are milliseconds. */
export interface NetworkSettings {
  /** The shortest time one way, and the mean of what comes on top of it. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly lossRate: number;
  /** How often a call arrives a second time. */
  readonly duplicateRate: number;
  /** How often a message takes a detour, and the mean of its length. */
  readonly strayRate: number;
  readonly strayMs: number;
  /** How often the end of a failed call is told at once, and how often its caller takes the silence for an answer. */
  readonly errorRate: number;
  readonly silenceRate: number;
  readonly callTimeoutMs: number;
}

export interface DiskSettings {
  /** The mean time until a write is durable. */
  readonly flushMs: number;
  /** How often a write takes ten times as long. */
  readonly slowRate: number;
}

export interface ClockSettings {
  /** Clocks differ by up to this much. */
  readonly skewMs: number;
  /** Clocks run faster or slower by up to this share. */
  readonly driftRate: number;
}

export interface AlarmSettings {
  /** The mean lateness. */
  readonly lateMs: number;
  readonly veryLateRate: number;
  readonly veryLateMs: number;
  readonly twiceRate: number;
  /** How often an alarm is lost in a crash. */
  readonly lossRate: number;
}

export interface ClientSettings {
  readonly count: number;
  /** The mean time between two operations of one client. */
  readonly thinkMs: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** How long a client waits for one answer. */
  readonly patienceMs: number;
  /** How often a client makes its writes safe to repeat. */
  readonly idempotentRate: number;
  /** How often a client asks any node instead of the one that it takes for the leader. */
  readonly strayRate: number;
}

/** Clients that use all of the key-value store, in the place of those that read and write single keys. */
export interface StoreSettings {
  readonly options: StoreOptions;
  readonly watchers: number;
  /** How long leases and sessions last at most. */
  readonly maxTtlMs: number;
  /** How often a client lets the store forget its history. */
  readonly compactionRate: number;
}

export const faultKinds = [
  "crash",
  "crash in a turn",
  "deploy",
  "eviction",
  "twin",
  "pause",
  "partition",
  "isolation",
  "one-way cut",
  "clogged link",
  "loss storm",
  "slow disk",
  "clock jump",
  "transfer",
  "healing",
  "member change",
  "removal",
  "wipe",
  "version change",
  "desertion",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultSettings {
  /** The mean time between two faults; infinite for none. */
  readonly everyMs: number;
  /** How often each kind happens, relative to the others. */
  readonly weights: Readonly<Record<FaultKind, number>>;
  /** The mean time that a fault lasts. */
  readonly lastsMs: number;
}

export interface Settings {
  readonly seed: number;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly storage: StorageKind;
  /** On SQLite only; null for clients of the simplest kind. */
  readonly store: StoreSettings | null;
  /** Whether writes set timers, on storage in memory. */
  readonly timers: boolean;
  readonly options: RaftOptions;
  /** How much of the log is kept, and how a state is sent. */
  readonly limits: SnapshotLimits;
  readonly network: NetworkSettings;
  readonly disk: DiskSettings;
  readonly clocks: ClockSettings;
  readonly alarms: AlarmSettings;
  readonly clients: ClientSettings;
  readonly faults: FaultSettings;
  /** How long things go wrong. */
  readonly faultyMs: number;
}

export const noFaults = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;

/** Names of `count` nodes, the first being `n<first>`. */
export function nodeIds(count: number, first = 1): NodeId[] {
  return Array.from({ length: count }, (_, position) => `n${first + position}`);
}

/** A world on one machine in which nothing goes wrong by itself and nobody asks for anything. */
export function calmSettings(voters: number, changes: Partial<Settings> = {}): Settings {
  return {
    seed: 1,
    voters: nodeIds(voters),
    learners: [],
    storage: "memory",
    store: null,
    timers: false,
    limits: defaultSnapshotLimits,
    options: { ...defaultOptions, heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 },
    network: calmNetwork,
    disk: { flushMs: 0.5, slowRate: 0 },
    clocks: { skewMs: 0, driftRate: 0 },
    alarms: { lateMs: 0.5, veryLateRate: 0, veryLateMs: 0, twiceRate: 0, lossRate: 0 },
    clients: { count: 0, thinkMs: 20, keys: 3, valueBytes: 16, patienceMs: 1000, idempotentRate: 1, strayRate: 0 },
    faults: { everyMs: Number.POSITIVE_INFINITY, weights: noFaults, lastsMs: 0 },
    faultyMs: 0,
    ...changes,
  };
}

const calmNetwork: NetworkSettings = {
  latencyMs: 0.5,
  jitterMs: 0.5,
  lossRate: 0,
  duplicateRate: 0,
  strayRate: 0,
  strayMs: 0,
  errorRate: 1,
  silenceRate: 0,
  callTimeoutMs: 1000,
};
