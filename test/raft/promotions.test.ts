/** When a learner counts as caught up, by its own rounds and by nothing else. */

import { describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { Promotions } from "../../src/raft/promotions.ts";

const roundMs = 100;
const promoting = (voters: readonly string[], ...ids: readonly string[]) => ({
  ...simpleConfiguration(voters, ids),
  promoting: ids,
});
const group = promoting(["n1", "n2", "n3"], "n4");

describe("a learner that is to be promoted", () => {
  test("has caught up when it stores the whole log", () => {
    const promotions = new Promotions();
    promotions.heard("n4", 9, 10, roundMs, 0);
    expect(promotions.due(group, 0)).toEqual([]);
    promotions.heard("n4", 10, 10, roundMs, 1);
    expect(promotions.due(group, 0)).toEqual(["n4"]);
  });

  test("has caught up although the log grows faster than its answers come, once a round was quick", () => {
    const promotions = new Promotions();
    promotions.heard("n4", 0, 1000, roundMs, 0);
    promotions.heard("n4", 999, 1400, roundMs, 390);
    expect(promotions.due(group, 300)).toEqual([]);
    // The first round took 400 ms, and the log has grown by 400 entries meanwhile; the second takes 90 ms.
    promotions.heard("n4", 1000, 1400, roundMs, 400);
    expect(promotions.due(group, 300)).toEqual([]);
    promotions.heard("n4", 1400, 1490, roundMs, 490);
    expect(promotions.due(group, 390)).toEqual(["n4"]);
  });

  test("has to be heard lately", () => {
    const promotions = new Promotions();
    promotions.heard("n4", 10, 10, roundMs, 0);
    expect(promotions.due(group, 1)).toEqual([]);
  });

  test("falls behind again when a later round takes long", () => {
    const promotions = new Promotions();
    promotions.heard("n4", 10, 10, roundMs, 0);
    promotions.heard("n4", 10, 900, roundMs, 101);
    expect(promotions.due(group, 0)).toEqual([]);
  });

  test("does not make a pair of a single voter while another one is to come", () => {
    const promotions = new Promotions();
    const single = promoting(["n1"], "n2", "n3");
    promotions.heard("n2", 10, 10, roundMs, 0);
    expect(promotions.due(single, 0)).toEqual([]);
    promotions.heard("n3", 10, 10, roundMs, 0);
    expect(promotions.due(single, 0)).toEqual(["n2", "n3"]);
  });

  test("makes a pair where a pair was asked for", () => {
    const promotions = new Promotions();
    promotions.heard("n2", 10, 10, roundMs, 0);
    expect(promotions.due(promoting(["n1"], "n2"), 0)).toEqual(["n2"]);
  });
});
