/** Faults of the network between processes: cut in both directions or in one, slow, lossy, and repeating itself. */

import { cutOff, namesOf, pickNode, until, untilDeposed } from "./fault.ts";
import type { Arena, Fault } from "./fault.ts";
import type { Condition, LinkRule, Network } from "./network.ts";
import type { NodeHandle } from "./node-handle.ts";

const blocked = { blocked: true };

export const networkFaults: readonly Fault[] = [
  networkFault("isolate-leader", 3, "another node leads meanwhile", (arena) =>
    deposes(arena, (leader) => [`${leader.id} is cut off`, (from, to) => (from === leader.id) !== (to === leader.id)]),
  ),
  networkFault("partition", 2, "calls are held up", (arena) => {
    const nodes = arena.random.shuffle(arena.nodes);
    return meets(arena, "blocked", () => split(arena, nodes.slice(0, 1 + arena.random.below(nodes.length - 1))));
  }),
  networkFault("mute", 2, "another node leads, which the former leader hears", (arena) =>
    deposes(arena, ({ id }) => [`nobody hears ${id}`, (from) => from === id]),
  ),
  networkFault("deaf", 2, "another node leads, which the former leader does not hear", (arena) =>
    deposes(arena, ({ id }) => [`${id} hears nobody`, (_from, to) => to === id]),
  ),
  networkFault("one-way", 2, "calls are held up", (arena) => {
    const [one, other] = arena.random.shuffle(arena.nodes).map(({ id }) => id);
    return meets(arena, "blocked", () =>
      impose(arena, `${other} does not hear ${one}`, blocked, (from, to) => from === one && to === other),
    );
  }),
  networkFault("delay", 2, "calls are late", (arena) =>
    meets(arena, "delayed", () => impose(arena, "75 ± 50 ms one way", { delayMs: 75, jitterMs: 50 }, everywhere)),
  ),
  networkFault("loss", 2, "calls are lost", (arena) =>
    meets(arena, "lost", () => impose(arena, "half of all messages are lost", { lossRate: 0.5 }, everywhere)),
  ),
  networkFault("repeat", 1, "calls come twice", (arena) =>
    meets(arena, "duplicated", () =>
      impose(arena, "every call between nodes comes twice", { duplicateRate: 1 }, everywhere),
    ),
  ),
  networkFault("slow", 2, "calls wait for those before them", (arena) => {
    const { id } = pickNode(arena);
    const rule = { bytesPerMs: 20, delayMs: 20, jitterMs: 20 };
    return meets(arena, "queued", () =>
      impose(arena, `20 kB/s to and from ${id}`, rule, (from, to) => from === id || to === id),
    );
  }),
  { ...networkFault("cut-off", 2, "the node takes over the state of another one", missTheLog), alone: true },
];

function networkFault(name: string, weight: number, aim: string, run: Fault["run"]): Fault {
  return { name, lane: "network", weight, leastNodes: 2, aim, run };
}

function everywhere(): boolean {
  return true;
}

async function impose(
  arena: Arena,
  text: string,
  rule: Partial<LinkRule>,
  applies: (from: string, to: string) => boolean,
): Promise<void> {
  const lift = arena.network.impose({ rule, applies });
  arena.tell(text);
  await arena.sleep(arena.random.between(500, 4000));
  lift();
  arena.tell(`over: ${text}`);
}

function split(arena: Arena, side: readonly NodeHandle[]): Promise<void> {
  const ids = new Set(side.map(({ id }) => id));
  const other = arena.nodes.filter(({ id }) => !ids.has(id));
  return impose(arena, `cut between ${namesOf(side)} and ${namesOf(other)}`, blocked, (from, to) => {
    return ids.has(from) !== ids.has(to);
  });
}

type Cut = readonly [text: string, applies: Condition["applies"]];

/** Cuts links of the leader, mostly until another node leads. Answers whether one does. */
async function deposes(arena: Arena, cutOf: (leader: NodeHandle) => Cut): Promise<boolean> {
  const leader = arena.leader();
  const [text, applies] = cutOf(leader ?? pickNode(arena));
  const lift = arena.network.impose({ rule: blocked, applies });
  arena.tell(text);
  const isDeposed = await untilDeposed(arena, leader);
  lift();
  arena.tell(`over: ${text}`);
  return isDeposed;
}

/** Whether calls have met with something. */
async function meets(arena: Arena, what: keyof Network["counts"], run: () => Promise<void>): Promise<boolean> {
  const before = arena.network.counts[what];
  await run();
  return arena.network.counts[what] > before;
}

/** Cuts a node off until the others have forgotten the part of the log that it misses, and it needs their state. */
async function missTheLog(arena: Arena): Promise<boolean> {
  const leader = arena.leader();
  const victim = arena.random.pick(arena.nodes.filter((node) => node !== leader));
  const enough = arena.acknowledged() + 2 * arena.keptEntries;
  const before = arena.snapshots(victim);
  const heal = cutOff(arena, victim);
  arena.tell(`${victim.id} misses more than the log keeps`);
  await until(arena, () => arena.acknowledged() >= enough, maxCutOffMs);
  heal();
  arena.tell(`${victim.id} is back`);
  return await until(arena, () => arena.snapshots(victim) > before, maxTakeOverMs);
}

const maxCutOffMs = 10_000;
const maxTakeOverMs = 6000;
