/** Timing that follows the network: slow enough for its round trips, never faster than configured. */

import { describe, expect, test } from "vitest";
import { RoundTrips } from "../../src/raft/round-trips.ts";
import { Timing } from "../../src/raft/timing.ts";
import { Cluster } from "./cluster.ts";

const bounds = { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300, electionLimitMs: 2000 };

describe("the election timeout", () => {
  test("is twice the slowest round trip that is to be expected, and the heartbeat a tenth of it", () => {
    const timing = new Timing(bounds);
    timing.fit(400);
    expect(timing).toMatchObject({ electionMinMs: 800, electionMaxMs: 1600, heartbeatMs: 80 });
  });

  test.each([
    [0, 150],
    [74, 150],
    [76, 152],
    [1000, 2000],
    [60_000, 2000],
  ])("for a round trip of %i ms is %i ms, within what is configured", (roundTripMs, electionMinMs) => {
    const timing = new Timing(bounds);
    timing.fit(roundTripMs);
    expect(timing.electionMinMs).toBe(electionMinMs);
    expect(timing.heartbeatMs).toBeGreaterThanOrEqual(bounds.heartbeatMs);
  });

  test("is as configured where no limit is given", () => {
    const { electionLimitMs: _, ...fixed } = bounds;
    const timing = new Timing(fixed);
    timing.fit(10_000);
    expect(timing).toMatchObject({ electionMinMs: 150, electionMaxMs: 300, heartbeatMs: 50 });
  });
});

describe("round trips", () => {
  test("are judged by what 99 in 100 stay within", () => {
    const trips = new RoundTrips();
    for (let sample = 1; sample <= 256; sample += 1) trips.add(sample);
    expect(trips.p99Ms).toBe(254);
  });

  test("say nothing before there are enough of them", () => {
    const trips = new RoundTrips();
    for (let sample = 0; sample < 15; sample += 1) trips.add(500);
    expect(trips.p99Ms).toBe(0);
  });

  test("forget what was long ago", () => {
    const trips = new RoundTrips();
    for (let sample = 0; sample < 300; sample += 1) trips.add(900);
    for (let sample = 0; sample < 256; sample += 1) trips.add(5);
    expect(trips.p99Ms).toBe(5);
  });
});

/** Lets time pass in small steps, with every message taking `oneWayMs`. */
function runSlowly(cluster: Cluster, ms: number, oneWayMs: number): void {
  const stepMs = 5;
  const under: { readonly dueMs: number; readonly messages: ReturnType<Cluster["hold"]> }[] = [];
  for (const endMs = cluster.nowMs + ms; cluster.nowMs < endMs; cluster.nowMs += stepMs) {
    for (const { id, raft } of cluster.running) if (raft.deadlineMs <= cluster.nowMs) cluster.tick(id);
    while ((under[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= cluster.nowMs) {
      cluster.put(...(under.shift()?.messages ?? []));
      const count = cluster.network.length;
      for (let position = 0; position < count; position += 1) cluster.deliverAt(0);
    }
    const messages = cluster.hold(() => true);
    if (messages.length > 0) under.push({ dueMs: cluster.nowMs + oneWayMs, messages });
  }
}

describe("a group across continents", () => {
  test("that is configured for a laptop would elect for ever; following its round trips it settles", () => {
    const roundTripMs = 240;
    const fixed = new Cluster({ options: { ...bounds, electionLimitMs: bounds.electionMinMs } });
    const following = new Cluster({ options: bounds });
    for (const cluster of [fixed, following]) runSlowly(cluster, 60_000, roundTripMs / 2);
    const terms = [fixed, following].map((cluster) => Math.max(...cluster.running.map(({ raft }) => raft.term)));
    for (const cluster of [fixed, following]) runSlowly(cluster, 60_000, roundTripMs / 2);
    const later = [fixed, following].map((cluster) => Math.max(...cluster.running.map(({ raft }) => raft.term)));
    expect(later[1]).toBe(terms[1]);
    expect(following.leader.raft.timing.electionMinMs).toBeGreaterThanOrEqual(2 * roundTripMs);
    for (const { raft } of following.running) {
      expect(raft.timing.electionMinMs).toBe(following.leader.raft.timing.electionMinMs);
    }
  });
});
