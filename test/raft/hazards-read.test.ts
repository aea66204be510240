/** What can go wrong with reads: an answer older than what was acknowledged before the read arrived. */

import { expect, test } from "vitest";
import { Cluster } from "./cluster.ts";

test("hazard-08: a late request of an earlier leadership confirms no read of a later one", () => {
  const cluster = new Cluster();
  cluster.elect("n1");
  // The rounds of the first leadership come to higher numbers than those of the second will.
  cluster.run(90);
  cluster.nowMs += 10;
  cluster.tick("n1");
  const late = cluster.hold(({ type, to }) => type === "heartbeat" && to === "n2");
  expect(late).toHaveLength(1);
  cluster.deliver();
  cluster.elect("n3");
  cluster.elect("n1");
  cluster.put(...late);
  cluster.deliver();
  cluster.partition("n1");
  cluster.elect("n3");
  cluster.propose("n3", "newer");
  cluster.deliver();
  // The former leader does not know yet, and must not answer from what it has.
  cluster.read("n1");
  cluster.deliver();
  expect(cluster.node("n1").raft.role).toBe("leader");
  expect(cluster.node("n1").reads).toEqual([]);
});
