/** Changes that a leader is asked for: what is refused, with which reason, and what force does about it. */

import { describe, expect, test } from "vitest";
import { type GroupView, isRefusal, planChange } from "../../src/node/change-plan.ts";
import { maxLearners, maxVoters, type RequestedChange } from "../../src/membership.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";

const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, position) => `${prefix}${position + 1}`);
const three = simpleConfiguration(ids("n", 3), ["l1"]);

/** n1 leads, and hears all but those that are silent. */
function viewOf(configuration: Configuration, ...silent: readonly string[]): GroupView {
  const hears = (id: string): boolean => !silent.includes(id);
  return { self: "n1", configuration, inContact: hears, caughtUp: hears };
}

const add = (id: string, more: Partial<Extract<RequestedChange, { action: "add" }>> = {}): RequestedChange => ({
  action: "add",
  id,
  role: "voter",
  promote: false,
  ...more,
});
const remove = (id: string): RequestedChange => ({ action: "remove", id });
const promote = (id: string): RequestedChange => ({ action: "promote", id });
const demote = (id: string): RequestedChange => ({ action: "demote", id });

/** The code of the refusal, or the voters that there will be. */
function outcome(view: GroupView, changes: readonly RequestedChange[], force = false): string {
  const plan = planChange({ changes, force }, view);
  return isRefusal(plan) ? plan.code : plan.voters.join(" ");
}

describe("a change that can't be made is refused, forced or not", () => {
  test.each<[string, string, readonly RequestedChange[]]>([
    ["without anything to change", "invalid_change", []],
    ["of an id that is none", "invalid_change", [add("../n4")]],
    ["that names a node twice", "invalid_change", [remove("n3"), add("n3")]],
    ["that adds a voter again", "member_exists", [add("n2")]],
    ["that adds a learner again, as a voter", "member_exists", [add("l1")]],
    ["that removes a stranger", "unknown_node", [remove("n9")]],
    ["that promotes a stranger", "unknown_node", [promote("n9")]],
    ["that demotes a stranger", "unknown_node", [demote("n9")]],
    ["that promotes a voter", "role_unchanged", [promote("n2")]],
    ["that demotes a learner", "role_unchanged", [demote("l1")]],
    ["that removes all voters", "no_voters", ids("n", 3).map(remove)],
    ["that demotes all voters", "no_voters", ids("n", 3).map(demote)],
    ["to too many voters", "too_many_members", ids("v", maxVoters - 2).map((id) => add(id))],
    ["to too many voters at last", "too_many_members", ids("v", maxVoters - 2).map((id) => add(id, { promote: true }))],
    ["to too many learners", "too_many_members", ids("v", maxLearners).map((id) => add(id, { role: "learner" }))],
  ])("%s", (_, code, changes) => {
    expect([outcome(viewOf(three), changes), outcome(viewOf(three), changes, true)]).toEqual([code, code]);
  });

  test("while a joint one is being completed", () => {
    const joint = { ...three, voters: ["n1", "n2", "n4"], outgoing: three.voters, autoLeave: true };
    expect(outcome(viewOf(joint), [add("n5")], true)).toBe("joint_change");
  });

  test("but the most that a group may have, it may have", () => {
    expect(
      outcome(
        viewOf(three),
        ids("v", maxVoters - 3).map((id) => add(id)),
      ).split(" "),
    ).toHaveLength(maxVoters);
  });
});

describe("a change that is unwise is refused unless it is forced", () => {
  test.each<[string, string, readonly RequestedChange[], readonly string[]]>([
    ["three voters become two", "two_voters", [remove("n3")], []],
    ["three voters become two by a demotion", "two_voters", [demote("n3")], []],
    ["a learner lacks too much", "not_caught_up", [promote("l1")], ["l1"]],
  ])("because %s", (_, code, changes, silent) => {
    expect(outcome(viewOf(three, ...silent), changes)).toBe(code);
    expect(outcome(viewOf(three, ...silent), changes, true)).toContain("n1 n2");
  });

  test("because one voter becomes two, now or when the second has caught up", () => {
    const one = simpleConfiguration(["n1"]);
    expect(outcome(viewOf(one), [add("n2")])).toBe("two_voters");
    expect(outcome(viewOf(one), [add("n2", { promote: true })])).toBe("two_voters");
    expect(outcome(viewOf(one), [add("n2", { promote: true }), add("n3", { promote: true })])).toBe("n1");
    expect(outcome(viewOf(one), [add("n2"), add("n3")])).toBe("n1 n2 n3");
  });

  test("but two voters may be helped", () => {
    const two = simpleConfiguration(["n1", "n2"]);
    expect(outcome(viewOf(two), [add("n3", { role: "learner" })])).toBe("n1 n2");
    expect(outcome(viewOf(two), [add("n3", { promote: true })])).toBe("n1 n2");
    expect(outcome(viewOf(two), [remove("n2")])).toBe("n1");
  });

  test("hazard-41 because too few of the voters that would be left are heard of", () => {
    const five = simpleConfiguration(ids("n", 5));
    const view = viewOf(five, "n2", "n3");
    expect(outcome(view, [remove("n4")])).toBe("quorum_at_risk");
    expect(outcome(view, [remove("n4")], true)).toBe("n1 n2 n3 n5");
    expect(outcome(view, [remove("n2")])).toBe("n1 n3 n4 n5");
    expect(outcome(view, [remove("n2"), remove("n3")])).toBe("n1 n4 n5");
    expect(outcome(view, [add("n6")])).toBe("n1 n2 n3 n4 n5 n6");
  });

  test("and the refusal says what to do", () => {
    const plan = planChange({ changes: [remove("n3")], force: false }, viewOf(three));
    expect(plan).toMatchObject({ message: expect.stringMatching(/no fault.*in one change.*force=true/) as string });
  });
});

describe("a plan", () => {
  test("names the changes, the nodes that have to be made, and the voters of the end", () => {
    const changes = [add("n4", { locationHint: "apac" }), add("n5", { promote: true }), remove("n3"), demote("n2")];
    expect(planChange({ changes, force: true }, viewOf(three))).toEqual({
      changes: [
        { type: "addVoter", id: "n4" },
        { type: "addPromotable", id: "n5" },
        { type: "remove", id: "n3" },
        { type: "addLearner", id: "n2" },
      ],
      newcomers: [{ id: "n4", locationHint: "apac" }, { id: "n5" }],
      voters: ["n1", "n4"],
    });
  });

  test("may be to replace a node, which leaves as many voters as there were", () => {
    expect(outcome(viewOf(three, "n3"), [add("n4"), remove("n3")])).toBe("n1 n2 n4");
  });

  test("may be to remove who leads", () => {
    const four = simpleConfiguration(ids("n", 4));
    expect(outcome(viewOf(four), [remove("n1")])).toBe("n2 n3 n4");
  });
});
