/** Makes the world of a run that failed as simple as it can be and still fail by the same rule. */

import { Violation } from "./check/violation.ts";
import { runSeed, type RunOptions, type RunResult } from "./run-seed.ts";
import { faultKinds, type Settings } from "./settings.ts";

/** Ways to make a world simpler, by the names that a replay calls them by; the largest come first. */
const simplifications: ReadonlyMap<string, (settings: Settings) => Settings> = new Map([
  ["faults", (settings) => withFaults(settings, faultKinds)],
  ["learners", (settings) => ({ ...settings, learners: [] })],
  ["watchers", (settings) => withStore(settings, { watchers: 0 })],
  ["clients", (settings) => ({ ...settings, clients: { ...settings.clients, count: 1 } })],
  ["timers", (settings) => ({ ...settings, timers: false })],
  ["loss", (settings) => withNetwork(settings, { lossRate: 0, silenceRate: 0 })],
  ["duplicates", (settings) => withNetwork(settings, { duplicateRate: 0 })],
  ["strays", (settings) => withNetwork(settings, { strayRate: 0 })],
  ["slow-disks", (settings) => ({ ...settings, disk: { ...settings.disk, slowRate: 0 } })],
  ["skew", (settings) => ({ ...settings, clocks: { ...settings.clocks, skewMs: 0 } })],
  [
    "bad-alarms",
    (settings) => ({ ...settings, alarms: { ...settings.alarms, veryLateRate: 0, twiceRate: 0, lossRate: 0 } }),
  ],
  ["retention", (settings) => withStore(settings, { options: withoutRetention(settings) })],
  ["compaction", (settings) => withStore(settings, { compactionRate: 0 })],
  ["values", (settings) => ({ ...settings, clients: { ...settings.clients, valueBytes: 0, keys: 1 } })],
  ...faultKinds.map((kind): [string, (settings: Settings) => Settings] => {
    return [nameOf(kind), (settings) => withFaults(settings, [kind])];
  }),
  ["most-time", (settings) => ({ ...settings, faultyMs: settings.faultyMs / 4 })],
  ["half-the-time", (settings) => ({ ...settings, faultyMs: settings.faultyMs / 2 })],
]);

export const simplificationNames: readonly string[] = [...simplifications.keys()];

/** The world without some of what makes it hard. */
export function simpler(settings: Settings, names: readonly string[]): Settings {
  return names.reduce((so, name) => {
    const leaveOut = simplifications.get(name);
    if (leaveOut === undefined) throw new Error(`no world is known without ${name}`);
    return leaveOut(so);
  }, settings);
}

export function simplifying(options: RunOptions, names: readonly string[]): RunOptions {
  const { adjust = (settings: Settings): Settings => settings } = options;
  return { ...options, adjust: (settings) => simpler(adjust(settings), names) };
}

/**
 * What can be left out of a world in which a seed fails, so that it still fails by the same rule. What the seed draws
 * comes differently in each world, so that this is a search among worlds rather than among events.
 *
 * @param goOn says whether there is time to try another one
 */
export async function simplify(
  seed: number,
  error: Error,
  options: RunOptions,
  goOn: () => boolean,
): Promise<readonly string[]> {
  const names: string[] = [];
  let { events: fewest, settings } = await runSeed(seed, options);
  for (const name of simplificationNames) {
    if (!goOn()) break;
    if (isSameWorld(settings, simpler(settings, [name]))) continue;
    const result = await runSeed(seed, simplifying(options, [...names, name]));
    if (!isSame(result, error) || result.events > fewest) continue;
    names.push(name);
    ({ events: fewest, settings } = result);
  }
  return names;
}

function isSameWorld(one: Settings, other: Settings): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isSame({ failure }: RunResult, error: Error): boolean {
  if (failure instanceof Violation && error instanceof Violation) return failure.rule === error.rule;
  return failure !== null && failure.name === error.name && beginning(failure) === beginning(error);
}

/** The rest of a message may tell of one particular world. */
function beginning({ message }: Error): string {
  return message.replace(/\d+/g, "").slice(0, 30);
}

function nameOf(kind: string): string {
  return kind.replaceAll(" ", "-");
}

function withFaults(settings: Settings, without: readonly (typeof faultKinds)[number][]): Settings {
  const weights = { ...settings.faults.weights };
  for (const kind of without) weights[kind] = 0;
  return { ...settings, faults: { ...settings.faults, weights } };
}

function withNetwork(settings: Settings, changes: Partial<Settings["network"]>): Settings {
  return { ...settings, network: { ...settings.network, ...changes } };
}

function withStore(settings: Settings, changes: Partial<NonNullable<Settings["store"]>>): Settings {
  return settings.store === null ? settings : { ...settings, store: { ...settings.store, ...changes } };
}

function withoutRetention({ store }: Settings): NonNullable<Settings["store"]>["options"] {
  const { retention: _, ...options } = store?.options ?? {};
  return options;
}
