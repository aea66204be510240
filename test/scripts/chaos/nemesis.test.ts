/** Which faults are drawn, what is noted of them, and which are alone. */

import { expect, test } from "vitest";
import { faults, Nemesis } from "../../../scripts/chaos/nemesis.ts";
import type { Arena } from "../../../scripts/chaos/fault.ts";
import type { NodeHandle } from "../../../scripts/chaos/node-handle.ts";
import { Network } from "../../../scripts/chaos/network.ts";
import { Random } from "../../sim/random.ts";

/** Three nodes of which the first leads, killed and started at once, and nobody who writes. */
function arenaOf(lengthMs: number): { readonly arena: Arena; readonly killed: string[] } {
  const killed: string[] = [];
  const untilMs = performance.now() + lengthMs;
  const node = (id: string): NodeHandle =>
    ({
      id,
      kill: () => void killed.push(id),
      start: () => {},
      pause: () => {},
      wake: () => {},
    }) as unknown as NodeHandle;
  const nodes = ["n1", "n2", "n3"].map(node);
  const isOver = (): boolean => performance.now() >= untilMs;
  const arena: Arena = {
    nodes,
    network: new Network(new Random(1), () => null),
    random: new Random(1),
    leader: () => nodes[0],
    acknowledged: () => 0,
    keptEntries: 1,
    snapshots: () => 0,
    call: () => Promise.resolve(null),
    hush: () => {},
    // A hundred times as fast as it is.
    sleep: (ms) => new Promise((done) => setTimeout(done, isOver() ? 0 : ms / 100)),
    isOver,
    tell: () => {},
  };
  return { arena, killed };
}

test("those are drawn that were asked for, and it is noted whether they did what they are for", async () => {
  const { arena, killed } = arenaOf(300);
  const nemesis = new Nemesis(arena, 1, ["kill-leader", "isolate-leader"]);
  await nemesis.run();
  const names = new Set(nemesis.happened.map(({ name }) => name));
  expect([...names].toSorted((one, other) => one.localeCompare(other))).toEqual(["isolate-leader", "kill-leader"]);
  expect(new Set(killed)).toEqual(new Set(["n1"]));
  for (const { name, reached } of nemesis.happened) expect(reached).toBe(name === "kill-leader");
  const { fromMs, toMs } = nemesis.happened[0]!;
  expect(nemesis.between(fromMs, toMs)).toContain(nemesis.happened[0]!.name);
  expect(nemesis.between(0, fromMs)).toEqual([]);
});

test("beside a fault that is alone none is in force", async () => {
  const { arena } = arenaOf(1500);
  const nemesis = new Nemesis(
    arena,
    2,
    faults.map(({ name }) => name),
  );
  await nemesis.run();
  const lonely = new Set(faults.filter(({ alone }) => alone).map(({ name }) => name));
  const alone = nemesis.happened.filter(({ name }) => lonely.has(name));
  expect(alone.length).toBeGreaterThan(0);
  for (const { name, fromMs, toMs } of alone) expect(nemesis.between(fromMs, toMs)).toEqual([name]);
  // Others come together.
  expect(nemesis.happened.some(({ fromMs, toMs }) => nemesis.between(fromMs, toMs).length > 1)).toBe(true);
});

test("a fault that needs more nodes than there are is not drawn, nor one that needs fewer", async () => {
  const { arena } = arenaOf(100);
  const one = new Nemesis({ ...arena, nodes: arena.nodes.slice(0, 1) }, 1, ["kill-majority", "partition"]);
  await one.run();
  const { nodes } = arena;
  const five = new Nemesis({ ...arena, nodes: [...nodes, ...nodes.slice(0, 2)] }, 1, ["ballot", "last-copy"]);
  await five.run();
  expect([...one.happened, ...five.happened]).toEqual([]);
});
