/** Groups whose round trips are longer than the timeouts that they were configured with. */

import { expect, test } from "vitest";
import { Cluster } from "./cluster.ts";

const options = { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 };

/** Lets time pass in small steps, with every message taking `oneWayMs`. */
function runSlowly(cluster: Cluster, ms: number, oneWayMs: number): void {
  const stepMs = 5;
  const onTheWay: { readonly dueMs: number; readonly messages: ReturnType<Cluster["hold"]> }[] = [];
  for (const endMs = cluster.nowMs + ms; cluster.nowMs < endMs; cluster.nowMs += stepMs) {
    for (const { id, raft } of cluster.running) if (raft.deadlineMs <= cluster.nowMs) cluster.tick(id);
    while ((onTheWay[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= cluster.nowMs) {
      const before = cluster.hold(() => true);
      cluster.put(...(onTheWay.shift()?.messages ?? []));
      const count = cluster.network.length;
      for (let delivered = 0; delivered < count; delivered += 1) cluster.deliverAt(0);
      cluster.put(...before);
    }
    const messages = cluster.hold(() => true);
    if (messages.length > 0) onTheWay.push({ dueMs: cluster.nowMs + oneWayMs, messages });
  }
}

function highestTerm(cluster: Cluster): number {
  return Math.max(...cluster.running.map(({ raft }) => raft.term));
}

test.each([240, 350, 600, 900])(
  "a round trip of %i ms: the group finds its timing, and its term stops rising",
  (ms) => {
    const cluster = new Cluster({ options: { ...options, electionLimitMs: 4000 } });
    runSlowly(cluster, 60_000, ms / 2);
    const term = highestTerm(cluster);
    runSlowly(cluster, 120_000, ms / 2);
    expect(highestTerm(cluster)).toBe(term);
    expect(cluster.leader.raft.timing.electionMinMs).toBeGreaterThanOrEqual(2 * ms);
  },
);

test("without a limit to adapt to the same network would elect for ever", () => {
  const cluster = new Cluster({ options });
  runSlowly(cluster, 60_000, 300);
  const preVotes = (): number =>
    cluster.running.reduce((sum, { raft }) => sum + raft.counters.preVotesStarted + raft.counters.electionsStarted, 0);
  const before = preVotes();
  runSlowly(cluster, 60_000, 300);
  expect(preVotes()).toBeGreaterThan(before + 50);
});
