/** The world that a seed stands for: every seed turns some faults up and others off, so that they meet in all ways. */

import type { StoreOptions } from "../../src/kv/machine.ts";
import { defaultIndexLimits, type IndexLimits } from "../../src/kv/store/key-index.ts";
import { defaultWatchLimits, type WatchLimits } from "../../src/kv/watch/watch-limits.ts";
import { defaultOptions, type RaftOptions } from "../../src/raft/options.ts";
import type { SnapshotLimits } from "../../src/node/snapshots.ts";
import { Random } from "./random.ts";
import {
  type AlarmSettings,
  type ClientSettings,
  type FaultKind,
  type FaultSettings,
  faultKinds,
  type NetworkSettings,
  nodeIds,
  noFaults,
  type Settings,
} from "./settings.ts";

const mebibyte = 1024 * 1024;
const smallIndex: IndexLimits = { maxRecentKeys: 3, mergedKeys: 2, maxRecentRows: 6, eraRows: 4 };
const smallWatchLimits: WatchLimits = {
  ...defaultWatchLimits,
  maxPendingBytes: 1000,
  messageBytes: 100,
  maxWholeBytes: 300,
  windowRows: 4,
  watchRows: 32,
};

export function drawSettings(seed: number): Settings {
  const settings = drawWorld(seed);
  const random = new Random(seed, "store");
  return settings.storage === "sqlite" && random.chance(0.8) ? withWholeStore(settings, random) : settings;
}

/** A world in which clients use all of the key-value store, with limits so small that each of them is met. */
export function withWholeStore(settings: Settings, random = new Random(settings.seed, "store")): Settings {
  const revisions = random.pick([5, 30]);
  const options: StoreOptions = {
    index: random.pick([smallIndex, smallIndex, defaultIndexLimits]),
    watch: random.pick([smallWatchLimits, defaultWatchLimits]),
    ...drawRetention(random, revisions),
  };
  const store = {
    options,
    watchers: random.pick([0, 1, 3]),
    maxTtlMs: random.pick([1000, 3000]),
    compactionRate: random.pick([0, 0.02, 0.1]),
  };
  return { ...settings, storage: "sqlite", store };
}

function drawRetention(random: Random, revisions: number): Pick<StoreOptions, "retention"> {
  const retention = random.pick([null, null, null, "revisions", "age"] as const);
  if (retention === "revisions") return { retention: { kind: "revisions", revisions } };
  return retention === null ? {} : { retention: { kind: "age", ageMs: random.pick([200, 1000, 5000]) } };
}

function drawWorld(seed: number): Settings {
  const random = new Random(seed, "settings");
  const voters = nodeIds(random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 5]));
  const worldWide = random.chance(0.2);
  const drawn = drawOptions(random, worldWide);
  const timeoutMs = drawn.electionMaxMs;
  const changed = withMemberChanges(drawFaults(random, timeoutMs), new Random(seed, "members"));
  const faults = withVersions(
    withReplacements(changed, new Random(seed, "replacements")),
    new Random(seed, "versions"),
  );
  const clocks = { skewMs: random.pick([0, 10, 5000]), driftRate: random.pick([0, 0.0001, 0.05]) };
  // A lease trusts the clocks within its bound; worlds in which somebody sets them must do without.
  const leaseReads = drawn.checkQuorum && faults.weights["clock jump"] === 0 && random.chance(0.5);
  const options = { ...drawn, leaseReads, maxClockDriftMs: worstDriftMs(drawn.electionMinMs, clocks.driftRate) };
  return {
    seed,
    voters,
    learners: nodeIds(random.pick([0, 0, 0, 1, 2]), voters.length + 1),
    storage: random.chance(0.1) ? "sqlite" : "memory",
    store: null,
    timers: new Random(seed, "timers").chance(0.5),
    options,
    limits: drawLimits(new Random(seed, "limits"), timeoutMs),
    network: drawNetwork(random, worldWide, timeoutMs),
    disk: { flushMs: random.pick([0.1, 1, 5]) * (worldWide ? 3 : 1), slowRate: random.pick([0, 0.01, 0.1]) },
    clocks,
    alarms: drawAlarms(random, timeoutMs),
    clients: drawClients(random, worldWide, timeoutMs),
    faults,
    faultyMs: timeoutMs * random.between(15, 35),
  };
}

/** How much sooner a fast clock has measured a promise than a slow one; clocks show whole milliseconds. */
export function worstDriftMs(promiseMs: number, driftRate: number): number {
  return Math.ceil(promiseMs * (1 - (1 - driftRate) / (1 + driftRate))) + 2;
}

function drawOptions(random: Random, worldWide: boolean): RaftOptions {
  const timing = worldWide
    ? { heartbeatMs: 500, electionMinMs: 2500, electionMaxMs: 5000 }
    : { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 };
  return {
    ...defaultOptions,
    ...timing,
    ...(random.chance(0.3) ? { electionLimitMs: timing.electionMinMs * random.pick([2, 10]) } : {}),
    ...(random.chance(0.3) ? { idleAfterMs: timing.heartbeatMs * random.pick([1, 4, 20]) } : {}),
    preVote: !random.chance(0.07),
    checkQuorum: !random.chance(0.07),
    maxAppendBytes: random.pick([1, 200, 2000, mebibyte]),
    maxInflightMessages: random.pick([1, 2, 8, 64]),
    maxInflightBytes: random.pick([300, 8 * mebibyte]),
    maxUncommittedBytes: random.pick([500, 16 * mebibyte, 16 * mebibyte]),
    maxApplyBytes: random.pick([1, 500, 8 * mebibyte]),
    maxCachedBytes: random.pick([0, 500, 4 * mebibyte]),
  };
}

/** Logs so short that every other node that was away needs a snapshot, and long ones. */
function drawLimits(random: Random, timeoutMs: number): SnapshotLimits {
  const keepEntries = random.pick([1, 5, 30, 10_000]);
  return {
    keepEntries,
    keepBytes: random.pick([100, 2000, mebibyte]),
    maxEntries: keepEntries * random.pick([2, 10]) + 10,
    maxBytes: random.pick([5000, mebibyte, mebibyte]),
    maxPageBytes: random.pick([100, 1000, mebibyte]),
    cutIdleMs: timeoutMs * random.pick([1, 5, 20]),
  };
}

function drawNetwork(random: Random, worldWide: boolean, timeoutMs: number): NetworkSettings {
  return {
    latencyMs: worldWide ? random.between(5, 120) : random.between(0.1, 3),
    jitterMs: worldWide ? random.between(1, 60) : random.between(0.1, 4),
    lossRate: random.pick([0, 0, 0.01, 0.05, 0.2]),
    duplicateRate: random.pick([0, 0, 0.02, 0.2]),
    strayRate: random.pick([0, 0, 0.01, 0.1]),
    strayMs: timeoutMs * random.pick([0.2, 1, 5]),
    errorRate: random.pick([0, 0.5, 1]),
    silenceRate: random.pick([0, 0, 0.3]),
    callTimeoutMs: timeoutMs * random.pick([1, 2, 4]),
  };
}

function drawAlarms(random: Random, timeoutMs: number): AlarmSettings {
  return {
    lateMs: random.pick([0.1, 1, 10]),
    veryLateRate: random.pick([0, 0, 0.02]),
    veryLateMs: timeoutMs * 4,
    twiceRate: random.pick([0, 0.05]),
    lossRate: random.pick([0, 0.1, 0.5]),
  };
}

function drawClients(random: Random, worldWide: boolean, timeoutMs: number): ClientSettings {
  return {
    count: 1 + random.below(6),
    thinkMs: (worldWide ? 8 : 1) * random.pick([2, 15, 60]),
    keys: 1 + random.below(4),
    valueBytes: random.pick([0, 10, 300]),
    patienceMs: timeoutMs * random.pick([0.5, 2, 6]),
    idempotentRate: random.pick([0, 0.5, 1]),
    strayRate: random.pick([0.05, 0.3]),
  };
}

/** These are drawn apart from all others. */
const ofSomeWorlds: ReadonlySet<FaultKind> = new Set([
  "member change",
  "removal",
  "wipe",
  "version change",
  "desertion",
]);

function drawFaults(random: Random, timeoutMs: number): FaultSettings {
  const weights = { ...noFaults };
  for (const kind of faultKinds.filter((each) => !ofSomeWorlds.has(each))) {
    if (random.chance(0.6)) weights[kind] = random.between(0.2, 1);
  }
  return {
    everyMs: timeoutMs * random.pick([0.3, 0.8, 2]),
    weights,
    lastsMs: timeoutMs * random.pick([0.3, 1, 4]),
  };
}

/** In one world of three, voters become learners and learners voters. */
function withMemberChanges(faults: FaultSettings, random: Random): FaultSettings {
  if (!random.chance(0.35)) return faults;
  return { ...faults, weights: { ...faults.weights, "member change": random.between(0.2, 2) } };
}

/** In one world of four, nodes lose their storages or their places, and an operator gives them new ones. */
function withReplacements(faults: FaultSettings, random: Random): FaultSettings {
  if (!random.chance(0.25)) return faults;
  const weights = { ...faults.weights, removal: random.between(0.1, 0.8), wipe: random.between(0.1, 0.8) };
  return { ...faults, weights };
}

/** In one world of six, code of two versions runs side by side. */
function withVersions(faults: FaultSettings, random: Random): FaultSettings {
  if (!random.chance(1 / 6)) return faults;
  return { ...faults, weights: { ...faults.weights, "version change": random.between(0.1, 0.5) } };
}
