/** Timeouts that follow measured round trips: slower where the network is slow, never faster than configured. */

import { describe, expect, test } from "vitest";
import { RoundTrips } from "../../src/raft/round-trips.ts";
import { Timing } from "../../src/raft/timing.ts";
import { heartbeat, heartbeatReply } from "./build.ts";
import { TestNode } from "./test-node.ts";

const bounds = { heartbeatMs: 10, electionMinMs: 100, electionMaxMs: 200, electionLimitMs: 1_000 };

describe("the timing", () => {
  test.each([
    { roundTripMs: 1, min: 100, max: 200, heartbeat: 10 },
    { roundTripMs: 300, min: 600, max: 1_200, heartbeat: 60 },
    { roundTripMs: 60_000, min: 1_000, max: 2_000, heartbeat: 100 },
  ])(
    "for a round trip of $roundTripMs ms stays within its bounds and keeps its proportions",
    ({ roundTripMs, min, max, heartbeat: beat }) => {
      const timing = new Timing(bounds);
      timing.fit(roundTripMs);
      expect(timing).toMatchObject({ electionMinMs: min, electionMaxMs: max, heartbeatMs: beat });
      timing.fit(0);
      expect(timing).toMatchObject({ electionMinMs: 100, electionMaxMs: 200, heartbeatMs: 10 });
    },
  );

  test("is as configured when nothing was allowed to change it", () => {
    const { electionLimitMs: _, ...fixed } = bounds;
    const timing = new Timing(fixed);
    timing.fit(5_000);
    expect(timing).toMatchObject({ electionMinMs: 100, electionMaxMs: 200, heartbeatMs: 10 });
  });
});

describe("round trips", () => {
  test("are not judged by a few", () => {
    const trips = new RoundTrips();
    for (let count = 0; count < 15; count += 1) trips.add(500);
    expect(trips.p99Ms).toBe(0);
  });

  test("are judged by the time that 99 of 100 stay within, and forget what is long ago", () => {
    const trips = new RoundTrips();
    for (let count = 0; count < 256; count += 1) trips.add(count < 2 ? 900 : 50);
    expect(trips.p99Ms, "two of 256 are less than one in a hundred").toBe(50);
    for (let count = 0; count < 16; count += 1) trips.add(700);
    expect(trips.p99Ms).toBe(700);
    for (let count = 0; count < 256; count += 1) trips.add(20);
    expect(trips.p99Ms).toBe(20);
  });
});

test("a leader measures its followers, and they follow its timing", () => {
  const options = { electionLimitMs: 1_000 };
  const leader = new TestNode({ options }).lead();
  for (let round = 1; round <= 32; round += 1) {
    leader.expire();
    leader.pass(90).receive(heartbeatReply({ term: 1, round }), heartbeatReply({ term: 1, round, from: "n3" }));
  }
  expect(leader.raft.timing.electionMinMs).toBe(180);
  const sent = leader.expire().find(({ type }) => type === "heartbeat");
  expect(sent).toMatchObject({ electionMinMs: 180 });
  const follower = new TestNode({ id: "n2", options });
  follower.receive(heartbeat({ term: 1, from: "n1", to: "n2", electionMinMs: 180 }));
  expect(follower.raft.timing.electionMinMs).toBe(180);
  follower.receive(heartbeat({ term: 1, from: "n1", to: "n2", electionMinMs: 5 }));
  expect(follower.raft.timing.electionMinMs).toBe(100);
});
