/** A group of three nodes: founded by its first use, written to and read from, and what it refuses. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { internalHeader, internalPath } from "../../src/internal.ts";
import { maxCommandBytes } from "../../src/node/client-calls.ts";
import { faults } from "./faults.ts";
import { eventually, refusalOf, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

describe("a new group", () => {
  test("is founded by the first call to any of its nodes", async () => {
    const group = new TestGroup();
    expect((await group.status("n2")).group).toBe(group.name);
    // Nobody calls the others but their peer.
    const leader = await eventually("a leader", async () => (await group.status("n2")).leader);
    const { members } = await group.status(leader);
    expect(members).toMatchObject(["n1", "n2", "n3"].map((id) => ({ id, role: "voter", promoting: false })));
    expect(members.map(({ locationHint }) => locationHint)).toEqual(["weur", "enam", "eeur"]);
    const { term, log } = await group.leader();
    expect(term).toBeGreaterThan(0);
    expect(log.commitIndex).toBeGreaterThan(0);
  });

  test("is another one under another name", async () => {
    const [one, other] = [new TestGroup(), new TestGroup()];
    const leaders = await Promise.all([one.leader(), other.leader()]);
    await one.put(leaders[0].id, "key", "of one");
    expect(await other.get(leaders[1].id, "key")).toMatchObject({ done: null });
    expect(await one.get(leaders[0].id, "key")).toMatchObject({ done: "of one" });
  });

  test("has one object for each node: a call that went astray makes no second one", async () => {
    const group = new TestGroup();
    for (const headers of [{ [internalHeader.node]: "n2" }, { [internalHeader.group]: "another" }]) {
      const answer = await group.call("n1", internalPath.status, null, headers);
      expect(refusalOf(answer)).toMatchObject({
        code: "bad_request",
        message: `This object is ${group.object("n1")}.`,
      });
    }
    expect((await group.status("n1")).id).toBe("n1");
  });

  test("is not founded by a call that names no group, or a node that it does not have", async () => {
    const group = new TestGroup();
    const calls = [
      group.call("n1", internalPath.status, null, { [internalHeader.group]: "" }),
      group.call("n1", internalPath.status, null, { [internalHeader.group]: "a/b" }),
      group.call("n9", internalPath.status, null),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(refusalOf(answer)?.code).toBe("bad_request");
      expect(answer.headers.has(internalHeader.node)).toBe(false);
    }
    expect(await group.alarm("n1")).toBeNull();
  });
});

describe("a command", () => {
  test("is answered once it is applied, with its place, by the node that applied it", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const first = await group.put(leader.id, "key", "one");
    const second = await group.put(leader.id, "key", "two");
    expect(first).toMatchObject({ done: { kind: "put", created: true } });
    expect(second).toMatchObject({ done: { kind: "put", created: false, version: 2 } });
    expect("index" in first && "index" in second && second.index > first.index).toBe(true);
    const answer = await group.call(leader.id, internalPath.status, null);
    expect(Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith("x-raft-")))).toEqual({
      [internalHeader.node]: leader.id,
      [internalHeader.leader]: leader.id,
      [internalHeader.term]: String(leader.term),
      [internalHeader.index]: String("index" in second ? second.index : 0),
    });
  });

  test("is refused by a follower, which names the leader, and does not happen", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    for (const id of group.followers(leader)) {
      const answer = await group.call(id, internalPath.propose, new Uint8Array([1]));
      expect(answer.headers.get(internalHeader.leader)).toBe(leader.id);
      expect(refusalOf(answer)).toMatchObject({ code: "not_leader", ambiguous: false });
    }
    expect((await group.status(leader.id)).log.lastIndex).toBe(leader.log.lastIndex);
  });

  test("may be as large as the limit, and is refused beyond it", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const largest = await group.propose(leader.id, new Uint8Array(maxCommandBytes));
    expect("done" in largest).toBe(true);
    const tooLarge = await group.propose(leader.id, new Uint8Array(maxCommandBytes + 1));
    expect(tooLarge).toMatchObject({ refused: { code: "too_large", ambiguous: false } });
    const { lastIndex } = (await group.leader()).log;
    expect(lastIndex).toBe("index" in largest ? largest.index : 0);
    await eventually("the largest entry everywhere", async () =>
      (await group.statuses()).every(({ log }) => log.appliedIndex === lastIndex) ? true : null,
    );
  });

  test("hazard-40 of 64 at once takes effect once, in the same order everywhere", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const before = (await group.status(leader.id)).log.lastIndex;
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, caller) => group.put(leader.id, "counter", `by ${caller}`)),
    );
    const applied = outcomes.map((outcome) => ("done" in outcome && outcome.done.kind === "put" ? outcome : null));
    const places = applied.map((outcome) => outcome!.index).sort((left, right) => left - right);
    expect(places).toEqual(Array.from({ length: 64 }, (_, position) => before + 1 + position));
    const versions = applied.map((outcome) => (outcome!.done.kind === "put" ? outcome!.done.version : 0));
    expect(versions.sort((left, right) => left - right)).toEqual(Array.from({ length: 64 }, (_, at) => at + 1));
    const last = await group.get(leader.id, "counter");
    await eventually("the same value everywhere", async () => {
      const values = await Promise.all(group.ids.map((id) => group.get(id, "counter", "stale")));
      return values.every((value) => "done" in value && "done" in last && value.done === last.done) ? true : null;
    });
  });
});

describe("a read", () => {
  test("sees what was written before it, on the leader", async () => {
    const group = new TestGroup();
    const { id } = await group.leader();
    for (const value of ["one", "two", "three"]) {
      await group.put(id, "key", value);
      expect(await group.get(id, "key")).toMatchObject({ done: value });
    }
  });

  test("sees what was written before it on any node, which asks the leader how far it must have come", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    for (const value of ["one", "two", "three"]) {
      await group.put(leader.id, "key", value);
      for (const id of group.followers(leader)) expect(await group.get(id, "key")).toMatchObject({ done: value });
    }
  });

  test("that may be stale is answered at once by any node, with what it has", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    await group.put(leader.id, "key", "value");
    for (const id of group.followers(leader)) {
      const found = await eventually("the value", async () => {
        const stale = await group.get(id, "key", "stale");
        return "done" in stale ? stale.done : null;
      });
      expect(found).toBe("value");
    }
  });
});

describe("a call that is not of this protocol", () => {
  test.each([
    ["another group", internalPath.status, { [internalHeader.group]: "other" }],
    ["another node", internalPath.status, { [internalHeader.node]: "n2" }],
    ["no group", internalPath.status, { [internalHeader.group]: "" }],
    ["an unknown path", "/drop", {}],
  ])("is refused: %s", async (_, path, headers) => {
    const group = new TestGroup();
    await group.status("n1");
    const answer = await group.call("n1", path, null, headers);
    expect(refusalOf(answer)).toMatchObject({ code: "bad_request", ambiguous: false });
    expect(answer.headers.get(internalHeader.node)).toBe("n1");
  });

  test("is refused: another method", async () => {
    const group = new TestGroup();
    await group.status("n1");
    const headers = { [internalHeader.group]: group.name, [internalHeader.node]: "n1" };
    const response = await group.stub("n1").fetch(`https://node.internal${internalPath.status}`, { headers });
    expect(response.status).toBe(421);
    await response.arrayBuffer();
  });
});

test("a node's metrics tell its group, its role and its term", async () => {
  const group = new TestGroup();
  const leader = await group.leader();
  const [follower = ""] = group.followers(leader);
  expect(await group.metric(leader.id, "durable_raft_term")).toBe(leader.term);
  const metrics = new TextDecoder().decode((await group.call(follower, internalPath.metrics, null)).body);
  expect(metrics).toContain(`durable_raft_role{group="${group.name}",node="${follower}",role="follower"} 1`);
  expect(metrics).toContain(`durable_raft_role{group="${group.name}",node="${follower}",role="leader"} 0`);
});
