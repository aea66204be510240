/** A node that hears from no leader asks whether it is a member: when, and how often. */

import { describe, expect, test } from "vitest";
import { Inquiry } from "../../src/node/inquiry.ts";
import { heartbeat } from "../raft/build.ts";
import { group } from "../raft/disk.ts";
import { TestNode } from "../raft/test-node.ts";

const minuteMs = 60_000;

function learner(): TestNode {
  return new TestNode({ id: "l1", configuration: group(2, 1) });
}

describe("an inquiry is due", () => {
  test("for a learner that has heard from no leader for longer than any election timeout", () => {
    const node = learner();
    const inquiry = new Inquiry();
    expect(inquiry.isDue(node.raft, 0)).toBe(true);
    node.receive(heartbeat({ term: 1, to: "l1" }));
    expect(inquiry.isDue(node.raft, node.options.electionMaxMs)).toBe(false);
    expect(inquiry.isDue(node.raft, node.options.electionMaxMs + 1)).toBe(true);
  });

  test("once a minute if somebody answers, and again at once if nobody does", () => {
    const node = learner();
    const inquiry = new Inquiry();
    expect(inquiry.isDue(node.raft, 0)).toBe(true);
    inquiry.asked();
    inquiry.ended(null);
    expect(inquiry.isDue(node.raft, 1)).toBe(true);
    inquiry.asked();
    inquiry.ended(1);
    expect(inquiry.isDue(node.raft, minuteMs)).toBe(false);
    expect(inquiry.isDue(node.raft, minuteMs + 1)).toBe(true);
  });

  test("not as long as one is under way", () => {
    const node = learner();
    const inquiry = new Inquiry();
    inquiry.asked();
    inquiry.asked();
    inquiry.ended(null);
    expect(inquiry.isDue(node.raft, 2 * minuteMs)).toBe(false);
    inquiry.ended(null);
    expect(inquiry.isDue(node.raft, 2 * minuteMs)).toBe(true);
  });

  test("for a voter only while it rests: awake it asks for votes, which tells it as much", () => {
    const node = new TestNode();
    const inquiry = new Inquiry();
    expect(inquiry.isDue(node.raft, 10_000)).toBe(false);
    node.receive(heartbeat({ term: 1, quiesce: true, round: 1 }));
    expect(node.raft.quiescent).toBe(true);
    expect(inquiry.isDue(node.raft, 10_000)).toBe(true);
  });

  test("never for a leader", () => {
    expect(new Inquiry().isDue(new TestNode().lead().raft, minuteMs)).toBe(false);
  });
});
