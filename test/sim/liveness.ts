/** The second phase of a run: a majority is healed, the others stay as they are, and everything must come to an end. */

import type { Outcome } from "../../src/node/waiters.ts";
import type { Raft } from "../../src/raft/raft.ts";
import { isMember } from "../../src/raft/configuration.ts";
import { majority } from "../../src/raft/quorum.ts";
import { Violation } from "./check/violation.ts";
import { canDecide, isLost, possibleConfigurations } from "./possible-configurations.ts";
import type { Instance } from "./instance.ts";
import type { Simulation } from "./simulation.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { longestTimerMs } from "./store/timed-machine.ts";

/** How many operations every client must complete. */
const operationsEach = 3;
/** Within how many election timeouts all must be answered, and a leader be found whom nobody disturbs for so many. */
const answeredWithin = 60;
const foundWithin = 60;
const lastingFor = 4;
/** So many more for each node that stays broken: each operation may have to wait in vain for all of them. */
const waitForBroken = 30;
/** Within how many election timeouts after their time leases and sessions must have ended. */
const endedWithin = 60;
/** Within how many election timeouts, and what it takes to read all history, watchers must hear of everything. */
const toldWithin = 100;
const slowestReadingMs = 120_000;
/** How often a node is asked that can't answer. */
const maxWakings = 5;
/** How much slower the disks of the others are. */
const slowDisk = 3;

/** Demands that a healed majority elects one leader for good, answers every request, and comes to one state. */
export async function demandLiveness(simulation: Simulation): Promise<void> {
  const { world, settings } = simulation.setup;
  const timeoutMs = settings.options.electionMaxMs;
  const core = healCore(simulation);
  const before = new Map(simulation.clients.map((client) => [client, client.completed]));
  const answered = await simulation.until(
    () => simulation.clients.every((client) => client.completed >= (before.get(client) ?? 0) + operationsEach),
    (answeredWithin + waitForBroken * (simulation.nodes.size - core.length)) * timeoutMs,
  );
  if (!answered) throw new Violation("liveness", `clients wait for answers; ${describe(core)}`);
  for (const client of simulation.clients) client.stop();
  await demandTimers(simulation, core);
  await demandWatches(simulation);
  for (const node of core) wake(simulation, node);
  const untilMs = world.nowMs + foundWithin * timeoutMs;
  // A leader that is not of the healed majority may be lost once more; none of the majority is.
  for (let lasted = false; !lasted;) {
    const agreed = await world.run(untilMs, () => agree(simulation, core));
    if (!agreed) throw new Violation("liveness", `nodes do not come to one state for good; ${describe(core)}`);
    const term = raftOf(membersOf(simulation, core)[0])?.term;
    await world.run(world.nowMs + lastingFor * timeoutMs);
    lasted = agree(simulation, core) && raftOf(membersOf(simulation, core)[0])?.term === term;
  }
  for (const node of core) node.instance?.compareContent();
  if (settings.timers && settings.storage === "memory") await demandRings(simulation, core);
}

/**
 * Asks a node for a read. A member that was gone while its group went to rest, and rests since an earlier time, gets what it
 * lacks when something is asked for. One that has started since and can't stand for election knows nobody to ask: the Worker
 * then asks the leader, and the node once more.
 */
function wake(simulation: Simulation, node: SimulatedNode, attempts = maxWakings): void {
  const { world, settings } = simulation.setup;
  const { electionMaxMs } = settings.options;
  ask(simulation, node, (outcome) => {
    if (outcome.done || attempts === 1) return;
    const leader = simulation.leader();
    if (leader !== null) ask(simulation, leader, () => {});
    world.after(electionMaxMs, () => wake(simulation, node, attempts - 1));
  });
}

function ask({ setup }: Simulation, node: SimulatedNode, answer: (outcome: Outcome) => void): void {
  const { language, settings } = setup;
  const { electionMaxMs } = settings.options;
  const query = language.encodeRead("k0");
  const read = (instance: Instance): void =>
    instance.ask(
      (driver) => driver.query(query, "linearizable", instance.nowMs + electionMaxMs, instance.nowMs),
      answer,
    );
  node.deliver(read, () => {});
}

/** Nobody asks for anything any more, so where groups rest they wake for their timers alone. */
async function demandRings(simulation: Simulation, core: readonly SimulatedNode[]): Promise<void> {
  const withinMs = longestTimerMs + foundWithin * simulation.setup.settings.options.electionMaxMs;
  const rung = await simulation.until(
    () => agree(simulation, core) && membersOf(simulation, core).every(hasNoTimer),
    withinMs,
  );
  if (!rung) throw new Violation("liveness", `timers do not ring; ${describe(core)}`);
}

/** Ends all faults of some majority, of the lines within it, and of those to the clients. The other voters stay broken. */
function healCore(simulation: Simulation): readonly SimulatedNode[] {
  const { setup, nodes, clients, watchers, nemesis, operator } = simulation;
  const { network, world } = setup;
  nemesis.stop();
  operator.stop();
  network.calm();
  const core = drawCore(simulation);
  network.heal([...nodes.keys(), ...[...clients, ...watchers].map(({ id }) => id)]);
  const version = core[0]?.newer ?? 0;
  for (const node of core) {
    if (node.newer !== version) node.speak(version);
    node.recover();
  }
  for (const node of nodes.values()) if (!core.includes(node)) breakForEver(simulation, node, version);
  for (const client of clients) client.persist();
  world.note("fault", `none any more for ${core.map(({ id }) => id).join(", ")}`);
  return core;
}

/** Some of the nodes, who can decide everything without the others in any configuration that may come into force. */
function drawCore({ setup, nodes, operator }: Simulation): readonly SimulatedNode[] {
  const { faults } = setup.random;
  const all = [...nodes.values()];
  const possible = possibleConfigurations(setup, all, operator.pending);
  let core: readonly SimulatedNode[] = all;
  let left = faults.below(majority(all.length) + 1);
  for (const node of faults.shuffle(all)) {
    const others = core.filter((each) => each !== node);
    if (left === 0 || !canDecide(setup, others, possible)) continue;
    left -= 1;
    core = others;
  }
  if (!canDecide(setup, core, possible)) throw new Error("the group can't go on, whatever is healed");
  return core;
}

/**
 * A node may be gone, deaf, mute or slow, but it is the same to everybody: a leader that some of the majority hear, and
 * the others and the clients do not, stays the leader, because those who hear it elect nobody else. That is the price of
 * leader stickiness (thesis, section 4.2.3).
 */
function breakForEver({ setup, nodes, clients, watchers }: Simulation, node: SimulatedNode, version: number): void {
  const { random, network, world } = setup;
  const way = random.faults.pick(["dead", "cut off", "deaf", "mute", "slow", "new"] as const);
  world.note("fault", `${node.id} is ${way} for ever`);
  world.count(`${way} for ever`);
  if (way === "new") node.speak(version + 1);
  if (way === "dead") node.crash("for ever", Number.POSITIVE_INFINITY);
  const others = [...nodes.keys(), ...[...clients, ...watchers].map(({ id }) => id)].filter((id) => id !== node.id);
  for (const other of others) {
    network.line(other, node.id).blocked = way === "cut off" || way === "deaf";
    network.line(node.id, other).blocked = way === "cut off" || way === "mute";
  }
  node.slowDown(slowDisk);
}

/** All watchers hear of everything: a node reads old history for them little by little. */
async function demandWatches({ watchers, world, setup }: Simulation): Promise<void> {
  const withinMs = slowestReadingMs + toldWithin * setup.settings.options.electionMaxMs;
  for (const watcher of watchers) watcher.settleDown();
  const told = await world.run(world.nowMs + withinMs, () => watchers.every(({ isComplete }) => isComplete));
  if (!told) throw new Violation("liveness", "watchers do not hear of everything");
}

/** All leases and sessions have ended, and everybody has been answered. */
async function demandTimers(simulation: Simulation, core: readonly SimulatedNode[]): Promise<void> {
  const { checks, settings } = simulation.setup;
  const { store } = checks;
  if (store === null) return;
  const { retention } = settings.store?.options ?? {};
  const ageMs = retention?.kind === "age" ? retention.ageMs : 0;
  const withinMs = 2 * ((settings.store?.maxTtlMs ?? 0) + ageMs) + endedWithin * settings.options.electionMaxMs;
  const ended = await simulation.until(
    () => !store.awaitsTimers && !store.awaitsCompaction && !simulation.clients.some(({ isWaiting }) => isWaiting),
    withinMs,
  );
  const what = store.awaitsTimers ? "leases or sessions do not end" : "history is not compacted";
  if (!ended) throw new Violation("timers", `${what}; ${describe(core)}`);
}

/** Those of the core that belong to the group, with the storages that it knows. */
function membersOf({ setup }: Simulation, core: readonly SimulatedNode[]): readonly SimulatedNode[] {
  const { configuration } = setup.checks.ledger;
  return core.filter((node) => isMember(configuration, node.id) && !isLost(setup, node));
}

function agree(simulation: Simulation, core: readonly SimulatedNode[]): boolean {
  const { clients, watchers } = simulation;
  const within = membersOf(simulation, core);
  const first = raftOf(within[0]);
  if (first === null || clients.some((client) => client.isWaiting)) return false;
  if (!watchers.every((watcher) => watcher.isComplete)) return false;
  return within.every((node) => {
    const raft = raftOf(node);
    return (
      raft !== null &&
      raft.leader !== null &&
      raft.leader === first.leader &&
      raft.term === first.term &&
      raft.log.appliedIndex === first.log.appliedIndex &&
      raft.log.lastIndex === first.log.appliedIndex
    );
  });
}

function hasNoTimer(node: SimulatedNode): boolean {
  return node.instance?.timerMs === null;
}

function raftOf(node: SimulatedNode | undefined): Raft | null {
  return node?.instance?.driver?.raft ?? null;
}

function describe(core: readonly SimulatedNode[]): string {
  return core
    .map((node) => {
      const raft = raftOf(node);
      if (raft === null) return `${node.id} does not run`;
      const { role, term, leader, log } = raft;
      return `${node.id} is ${role} in term ${term}, leader ${leader}, ${log.appliedIndex}/${log.commitIndex}/${log.lastIndex}`;
    })
    .join("; ");
}
