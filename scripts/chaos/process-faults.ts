/** Faults of processes: killed, with all that was not on disk, or paused, which they can't tell from a long moment. */

import { leaderOrAny, namesOf, pickMajority, pickNode } from "./fault.ts";
import type { Arena, Fault } from "./fault.ts";
import type { NodeHandle } from "./node-handle.ts";

const processFault = (name: string, weight: number, leastNodes: number, run: Fault["run"]): Fault => ({
  name,
  lane: "processes",
  weight,
  leastNodes,
  run,
});

export const processFaults: readonly Fault[] = [
  processFault("kill", 2, 1, (arena) => killAndStart(arena, [pickNode(arena)])),
  processFault("kill-leader", 3, 1, (arena) => killAndStart(arena, [leaderOrAny(arena)])),
  processFault("kill-majority", 2, 3, (arena) => killAndStart(arena, pickMajority(arena))),
  processFault("kill-all", 1, 1, (arena) => killAndStart(arena, arena.nodes)),
  processFault("pause", 2, 1, (arena) => pauseAndWake(arena, pickNode(arena))),
  processFault("pause-leader", 3, 1, (arena) => pauseAndWake(arena, leaderOrAny(arena))),
];

async function killAndStart(arena: Arena, victims: readonly NodeHandle[]): Promise<void> {
  arena.tell(`kills ${namesOf(victims)}`);
  await Promise.all(victims.map((victim) => victim.kill()));
  await arena.sleep(arena.random.between(0, 1500));
  await Promise.all(victims.map((victim) => victim.start()));
  arena.tell(`${namesOf(victims)} ${victims.length === 1 ? "runs" : "run"} again`);
}

/** The others elect a new leader meanwhile; the old one wakes, and believes that it still leads. */
async function pauseAndWake(arena: Arena, victim: NodeHandle): Promise<void> {
  arena.tell(`pauses ${victim.id}`);
  victim.pause();
  await arena.sleep(arena.random.between(300, 3000));
  victim.wake();
  arena.tell(`wakes ${victim.id}`);
}
