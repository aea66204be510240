/** Leases in the worlds that are hardest on them: with clocks as bad as their bound allows, no read is old. */

import { afterEach, expect, test } from "vitest";
import { Leader } from "../../src/raft/leader.ts";
import { runSeeds, seedsFrom } from "./campaign.ts";
import { withLeases, withLonelyLeaders } from "./lease-mutants.ts";
import { patchMethod } from "./patch.ts";

let undo: (() => void) | undefined;

afterEach(() => undo?.());

/** Counts the reads that were answered by a lease. */
function countLeased(): () => number {
  let leased = 0;
  undo = patchMethod(Leader.prototype, "leaseMs", (_self, inputs, original) => {
    const leaseMs = original(...inputs) as number;
    if (leaseMs > 0) leased += 1;
    return leaseMs;
  });
  return () => leased;
}

test.each([
  ["a leader that loses the others", { isolation: 1 }],
  ["lines of one direction, and restarts", { "one-way cut": 1, "clogged link": 1, eviction: 2 }],
  ["transfers of leadership", { isolation: 1, transfer: 1 }],
  ["others that leave their leader and start anew", { desertion: 1 }],
])("hazard-10 no read is old under drift within the bound, with %s", { timeout: 180_000 }, async (_, weights) => {
  const leased = countLeased();
  for (const driftRate of [0.05, 0.4]) {
    const adjust = (settings: Parameters<typeof withLeases>[0]): ReturnType<typeof withLeases> =>
      withLonelyLeaders(withLeases(settings, driftRate), weights);
    const { failures } = await runSeeds(seedsFrom(1, 4), { adjust });
    expect(failures).toEqual([]);
  }
  expect(leased()).toBeGreaterThan(300);
});
