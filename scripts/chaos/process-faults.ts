/** Faults of processes: killed, with all that was not on disk, or paused, which they can't tell from a long moment. */

import { namesOf, pickMajority, pickNode, untilDeposed } from "./fault.ts";
import type { Arena, Fault } from "./fault.ts";
import type { NodeHandle } from "./node-handle.ts";

export const processFaults: readonly Fault[] = [
  processFault("kill", 2, 1, "a process is killed", (arena) => killAndStart(arena, [pickNode(arena)])),
  processFault("kill-leader", 3, 1, "the one that is killed was leading", async (arena) => {
    const leader = arena.leader();
    await killAndStart(arena, [leader ?? pickNode(arena)]);
    return leader !== undefined;
  }),
  processFault("kill-majority", 2, 3, "more than half are killed at once", (arena) =>
    killAndStart(arena, pickMajority(arena)),
  ),
  processFault("kill-all", 1, 1, "all are killed at once", (arena) => killAndStart(arena, arena.nodes)),
  processFault("pause", 2, 1, "a process is paused", async (arena) => {
    await pauseAndWake(arena, pickNode(arena), () => arena.sleep(arena.random.between(300, 3000)));
    return true;
  }),
  processFault("pause-leader", 3, 2, "the one that wakes had led, and another one leads", async (arena) => {
    const leader = arena.leader();
    return await pauseAndWake(arena, leader ?? pickNode(arena), () => untilDeposed(arena, leader));
  }),
];

function processFault(name: string, weight: number, leastNodes: number, aim: string, run: Fault["run"]): Fault {
  return { name, lane: "processes", weight, leastNodes, aim, run };
}

async function killAndStart(arena: Arena, victims: readonly NodeHandle[]): Promise<boolean> {
  arena.tell(`kills ${namesOf(victims)}`);
  await Promise.all(victims.map((victim) => victim.kill()));
  await arena.sleep(arena.random.between(0, 1500));
  await Promise.all(victims.map((victim) => victim.start()));
  arena.tell(`${namesOf(victims)} ${victims.length === 1 ? "runs" : "run"} again`);
  return true;
}

/** The others elect a new leader meanwhile; the old one wakes, and believes that it still leads. */
async function pauseAndWake<Result>(arena: Arena, victim: NodeHandle, wait: () => Promise<Result>): Promise<Result> {
  arena.tell(`pauses ${victim.id}`);
  victim.pause();
  const result = await wait();
  victim.wake();
  arena.tell(`wakes ${victim.id}`);
  return result;
}
