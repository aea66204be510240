/** What a configuration becomes by a change, and what is kept of its members. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  changeConfiguration,
  type ConfigurationChange,
  leaveJoint,
  type MemberChange,
} from "../../src/raft/configuration-change.ts";
import { type Configuration, isJoint, members, simpleConfiguration } from "../../src/raft/configuration.ts";

function after(before: Configuration, ...changes: readonly MemberChange[]): Configuration {
  return changed(before, { changes, transition: "auto" });
}

function changed(before: Configuration, change: ConfigurationChange): Configuration {
  const outcome = changeConfiguration(before, change);
  if (!outcome.changed) throw new Error(outcome.reason);
  return outcome.configuration;
}

const three = simpleConfiguration(["n1", "n2", "n3"]);

describe("a learner that waits for its promotion", () => {
  const waiting = after(three, { type: "addPromotable", id: "n4" });

  test("is a learner until then", () => {
    expect(waiting).toMatchObject({ voters: ["n1", "n2", "n3"], learners: ["n4"], promoting: ["n4"] });
  });

  test.each([
    ["it is a voter", { type: "addVoter", id: "n4" }],
    ["it is to stay a learner", { type: "addLearner", id: "n4" }],
    ["it is removed", { type: "remove", id: "n4" }],
  ] as const)("waits no longer when %s", (_, change) => {
    expect(after(waiting, change).promoting).toEqual([]);
  });

  test("goes on waiting while others come and go", () => {
    const joint = after(waiting, { type: "addVoter", id: "n5" }, { type: "remove", id: "n1" });
    expect(joint.promoting).toEqual(["n4"]);
    expect(changed(joint, leaveJoint).promoting).toEqual(["n4"]);
  });
});

describe("what is known of a member", () => {
  const known = after(three, { type: "addLearner", id: "n4", attributes: "here" });

  test("stays when its role changes, and is replaced when that is said", () => {
    expect(after(known, { type: "addVoter", id: "n4" }).attributes).toEqual({ n4: "here" });
    expect(after(known, { type: "addVoter", id: "n4", attributes: "there" }).attributes).toEqual({ n4: "there" });
  });

  test("is forgotten with it, so that whoever comes back under its name is somebody else", () => {
    const removed = after(known, { type: "remove", id: "n4" });
    expect(removed.attributes).toEqual({});
    expect(after(removed, { type: "addVoter", id: "n4" }).attributes).toEqual({});
  });

  test("is kept as long as it votes in the half that is being left", () => {
    const voter = after(known, { type: "addVoter", id: "n4" });
    const joint = after(voter, { type: "remove", id: "n4" }, { type: "addVoter", id: "n5", attributes: "new" });
    expect(joint.attributes).toEqual({ n4: "here", n5: "new" });
    expect(changed(joint, leaveJoint).attributes).toEqual({ n5: "new" });
  });
});

describe("hazard-37 a forced change", () => {
  const forced: ConfigurationChange = {
    changes: [{ type: "addVoter", id: "n2", attributes: "mine" }],
    transition: "forced",
  };

  test("leaves nothing of what was", () => {
    const joint = after(
      after(three, { type: "addPromotable", id: "n4", attributes: "old" }),
      { type: "addVoter", id: "n5" },
      { type: "addLearner", id: "n3" },
    );
    const alone = { ...simpleConfiguration(["n2"]), attributes: { n2: "mine" } };
    for (const before of [three, joint]) expect(changed(before, forced)).toEqual(alone);
  });

  test("still needs a voter", () => {
    const nobody = { changes: [{ type: "addLearner", id: "n2" }], transition: "forced" } as const;
    expect(changeConfiguration(three, nobody)).toEqual({ changed: false, reason: "no_voters" });
  });
});

test("whatever changes are made, each member has one role, and none that is gone has attributes", () => {
  const id = fc.constantFrom("n1", "n2", "n3", "n4", "n5");
  const memberChange = fc.record(
    {
      type: fc.constantFrom("addVoter" as const, "addLearner" as const, "addPromotable" as const, "remove" as const),
      id,
      attributes: fc.constantFrom("a", "b"),
    },
    { requiredKeys: ["type", "id"] },
  );
  const change = fc.record({
    changes: fc.array(memberChange, { maxLength: 3 }),
    transition: fc.constantFrom("auto" as const, "implicit" as const, "explicit" as const),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const steps = changes.reduce<readonly Configuration[]>(
        (before, next) => [...before, step(before.at(-1)!, next)],
        [three],
      );
      expect(steps.filter((configuration) => !isSound(configuration))).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

/** What comes of a change, or of its refusal. */
function step(before: Configuration, change: ConfigurationChange): Configuration {
  const outcome = changeConfiguration(before, change);
  return outcome.changed ? outcome.configuration : before;
}

function isSound(configuration: Configuration): boolean {
  const { voters, outgoing, learners, learnersNext, promoting, attributes } = configuration;
  const roles = [...voters, ...learners, ...learnersNext];
  return (
    new Set(roles).size === roles.length &&
    voters.length > 0 &&
    !learners.some((learner) => outgoing.includes(learner)) &&
    learnersNext.every((learner) => outgoing.includes(learner)) &&
    promoting.every((learner) => [...learners, ...learnersNext].includes(learner)) &&
    Object.keys(attributes).every((id) => members(configuration).includes(id)) &&
    (isJoint(configuration) || learnersNext.length === 0)
  );
}
