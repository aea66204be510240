/** The frames between nodes as a door: noise, spoilt frames, and frames that say what cannot be. */

import * as fc from "fast-check";
import { internalPath } from "../../src/internal.ts";
import { decodeFrame, encodeFrame } from "../../src/node/frame.ts";
import type { RoleName } from "../../src/raft/role.ts";
import { frame as anyFrame } from "../node/arbitraries.ts";
import { byteChange, changeBytes } from "./change-bytes.ts";
import type { Door, Outcome, Target } from "./door.ts";
import { frameOf, frameSketch } from "./frame-sketch.ts";
import { LoneNode } from "./lone-node.ts";
import { judged } from "./peer-answer.ts";

const roles: readonly RoleName[] = ["follower", "preCandidate", "candidate", "leader"];

const inputs = fc.record({
  role: fc.constantFrom(...roles),
  frame: fc.oneof(
    { weight: 6, arbitrary: fc.record({ sketch: frameSketch }) },
    { weight: 1, arbitrary: anyFrame.map((frame) => ({ bytes: encodeFrame(frame) })) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ bytes })) },
  ),
  changes: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(byteChange, { minLength: 1, maxLength: 3 }) },
  ),
});
type Input = typeof inputs extends fc.Arbitrary<infer Value> ? Value : never;

export const framesDoor: Door = {
  name: "frames",
  weight: 14,
  inputsPerTarget: 20_000,
  open: async () => {
    const nodes = new Map<RoleName, LoneNode>();
    for (const role of roles) nodes.set(role, await LoneNode.make(role));
    return new FramesTarget(nodes);
  },
};

class FramesTarget implements Target<Input> {
  readonly inputs = inputs;
  private readonly nodes: ReadonlyMap<RoleName, LoneNode>;

  constructor(nodes: ReadonlyMap<RoleName, LoneNode>) {
    this.nodes = nodes;
  }

  async take({ role, frame, changes }: Input): Promise<Outcome> {
    const node = this.nodes.get(role);
    if (node === undefined) throw new Error(`no ${role}`);
    const whole = "sketch" in frame ? encodeFrame(frameOf(frame.sketch, node.truth)) : frame.bytes;
    const before = node.memory();
    let outcome: Outcome = "accepted";
    try {
      outcome = await judged(node, internalPath.raft, changeBytes(whole, changes), (answer) => {
        if (decodeFrame(answer).from !== "n1") throw new Error("an answer of somebody else");
      });
      if (outcome === "accepted") await node.assertKept(before);
      return outcome;
    } finally {
      // The others are left where they are: nothing has come of what was refused.
      if (outcome !== "refused") await node.renew();
    }
  }

  /** Each still is what it was. */
  async check(): Promise<void> {
    for (const [role, node] of this.nodes) {
      const { role: found } = node.object.node.driver.raft;
      if (found !== role) throw new Error(`the ${role} has become a ${found}`);
    }
    return Promise.resolve();
  }

  close(): void {
    for (const node of this.nodes.values()) node.close();
  }
}
