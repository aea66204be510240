/** Faults of the network between processes: cut in both directions or in one, slow, lossy, and repeating itself. */

import { leaderOrAny, namesOf, pickNode } from "./fault.ts";
import type { Arena, Fault } from "./fault.ts";
import type { LinkRule } from "./network.ts";
import type { NodeHandle } from "./node-handle.ts";

const networkFault = (name: string, weight: number, run: Fault["run"]): Fault => ({
  name,
  lane: "network",
  weight,
  leastNodes: 2,
  run,
});

const blocked = { blocked: true };

export const networkFaults: readonly Fault[] = [
  networkFault("isolate-leader", 3, (arena) => isolate(arena, leaderOrAny(arena))),
  networkFault("partition", 2, (arena) => {
    const nodes = arena.random.shuffle(arena.nodes);
    return split(arena, nodes.slice(0, 1 + arena.random.below(nodes.length - 1)));
  }),
  networkFault("mute", 2, (arena) => {
    const { id } = leaderOrAny(arena);
    return impose(arena, `nobody hears ${id}`, blocked, (from) => from === id);
  }),
  networkFault("deaf", 2, (arena) => {
    const { id } = leaderOrAny(arena);
    return impose(arena, `${id} hears nobody`, blocked, (_from, to) => to === id);
  }),
  networkFault("one-way", 2, (arena) => {
    const [one, other] = arena.random.shuffle(arena.nodes).map(({ id }) => id);
    return impose(arena, `${other} does not hear ${one}`, blocked, (from, to) => from === one && to === other);
  }),
  networkFault("delay", 2, (arena) => impose(arena, "75 ± 50 ms one way", { delayMs: 75, jitterMs: 50 }, everywhere)),
  networkFault("loss", 2, (arena) => impose(arena, "half of all messages are lost", { lossRate: 0.5 }, everywhere)),
  networkFault("repeat", 1, (arena) =>
    impose(arena, "every call between nodes comes twice", { duplicateRate: 1 }, everywhere),
  ),
  networkFault("slow", 1, (arena) => {
    const { id } = pickNode(arena);
    const rule = { bytesPerMs: 20, delayMs: 20, jitterMs: 20 };
    return impose(arena, `20 kB/s to and from ${id}`, rule, (from, to) => from === id || to === id);
  }),
  networkFault("cut-off", 2, cutOff),
];

const everywhere = (): boolean => true;

const lastsMs = (arena: Arena): number => arena.random.between(500, 4000);

async function impose(
  arena: Arena,
  text: string,
  rule: Partial<LinkRule>,
  applies: (from: string, to: string) => boolean,
): Promise<void> {
  const lift = arena.network.impose({ rule, applies });
  arena.tell(text);
  await arena.sleep(lastsMs(arena));
  lift();
  arena.tell(`over: ${text}`);
}

const isolate = (arena: Arena, node: NodeHandle): Promise<void> => split(arena, [node]);

function split(arena: Arena, side: readonly NodeHandle[]): Promise<void> {
  const ids = new Set(side.map(({ id }) => id));
  const other = arena.nodes.filter(({ id }) => !ids.has(id));
  return impose(arena, `cut between ${namesOf(side)} and ${namesOf(other)}`, blocked, (from, to) => {
    return ids.has(from) !== ids.has(to);
  });
}

/** Cuts a node off until the others have forgotten the part of the log that it misses, and it needs their state. */
async function cutOff(arena: Arena): Promise<void> {
  const leader = arena.leader();
  const victim = arena.random.pick(arena.nodes.filter((node) => node !== leader));
  const enough = arena.acknowledged() + 2 * arena.keptEntries;
  const lift = arena.network.impose({
    rule: blocked,
    applies: (from, to) => (from === victim.id) !== (to === victim.id),
  });
  arena.tell(`${victim.id} misses more than the log keeps`);
  for (let waitedMs = 0; arena.acknowledged() < enough && waitedMs < maxCutOffMs && !arena.isOver(); waitedMs += 100) {
    await arena.sleep(100);
  }
  lift();
  arena.tell(`${victim.id} is back`);
  // It gets the state without the next fault in its way, as often as not.
  await arena.sleep(arena.random.between(0, 2000));
}

const maxCutOffMs = 10_000;
