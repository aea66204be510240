/** How a request finds the leader, what it retries, and what it says when it does not know. */

import { describe, expect, test } from "vitest";
import { internalHeader, internalPath } from "../../src/internal.ts";
import type { ErrorBody } from "./client.ts";
import { failure, TestClient } from "./client.ts";
import { FakeNamespace, faults, on, refuse } from "./fake-group.ts";
import type { Fault } from "./fake-group.ts";
import { elapse, useVirtualTime } from "./virtual-time.ts";

useVirtualTime();

const repeatable = { "idempotency-key": "k1" };

/** A client that has already found n1 leading. */
async function settledClient(): Promise<TestClient> {
  const client = new TestClient();
  await elapse(client.put("/v1/kv/a", "0"));
  client.nodes.calls.length = 0;
  return client;
}

describe("the leader", () => {
  test("is asked for once, and remembered for each group", async () => {
    const nodes = new FakeNamespace();
    nodes.group("other").leader = "n3";
    const client = new TestClient(nodes);
    for (const path of ["/v1/kv/a", "/v1/groups/other/kv/a", "/v1/kv/a", "/v1/groups/other/kv/a"]) {
      expect((await elapse(client.put(path, "1"))).value.status).toBeLessThan(300);
    }
    expect(nodes.asked()).toEqual(["n1", "n3", "n1", "n3"]);
    expect(nodes.calls.filter(({ path }) => path === internalPath.status)).toHaveLength(6);
  });

  test("is followed at once when a refusal names it", async () => {
    const client = await settledClient();
    client.nodes.group().elect("n2");
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1"));
    expect([value.status, value.headers.get("x-raft-leader"), elapsedMs]).toEqual([200, "n2", 0]);
    expect(client.nodes.asked()).toEqual(["n1", "n2"]);
  });

  test("is waited for during an election, not in a hurry", async () => {
    const client = await settledClient();
    const group = client.nodes.group();
    group.elect(null);
    setTimeout(() => group.elect("n3"), 300);
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1"));
    expect(value.status).toBe(200);
    expect(elapsedMs).toBeGreaterThanOrEqual(300);
    expect(elapsedMs).toBeLessThan(600);
    expect(client.nodes.calls.length).toBeLessThan(40);
  });

  test("is not believed by nodes of a term gone by", async () => {
    const client = await settledClient();
    client.nodes.group().term = 5;
    await elapse(client.put("/v1/kv/a", "1"));
    const group = client.nodes.group();
    // n3 answers first, and still believes in n1 and term 1; n1 is gone.
    client.nodes.faults.set("n1", faults.throwing);
    client.nodes.faults.set("n3", (call) => refuse(call, "not_leader", false, "n1"));
    group.elect("n2");
    client.nodes.calls.length = 0;
    expect((await elapse(client.get("/v1/kv/a"))).value.headers.get("x-raft-leader")).toBe("n2");
  });

  test("is left when it refuses in a term gone by", async () => {
    const client = new TestClient();
    client.nodes.group().term = 5;
    await elapse(client.put("/v1/kv/a", "1"));
    client.nodes.faults.set("n1", (call) => refuse(call, "not_leader"));
    client.nodes.group().elect("n2");
    expect((await elapse(client.put("/v1/kv/a", "2"))).value.status).toBe(200);
  });

  test.each<[string, Fault]>([
    ["does not answer", faults.throwing],
    ["hangs", faults.hanging],
    ["does not lead any more", (call) => refuse(call, "not_leader", false, null)],
    ["has lost its storage", (call) => refuse(call, "fenced", false, null)],
  ])("of an idle group that %s is replaced by one of those which still believe in it", async (_, fault) => {
    const client = await settledClient();
    const group = client.nodes.group();
    client.nodes.faults.set("n1", fault);
    for (const node of ["n2", "n3"]) {
      client.nodes.faults.set(node, (call, proceed) => {
        if (call.headers.get(internalHeader.suspect) === "n1" && group.leader === "n1") group.elect(node);
        return proceed();
      });
    }
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1", repeatable));
    expect(value.status).toBe(200);
    expect(["n2", "n3"]).toContain(value.headers.get("x-raft-leader"));
    expect(elapsedMs).toBeLessThan(6000);
  });

  test("is looked for less often the longer nobody knows it", async () => {
    const silent = new TestClient();
    for (const node of ["n1", "n2", "n3"]) silent.nodes.faults.set(node, faults.hanging);
    const { elapsedMs } = await elapse(silent.get("/v1/kv/a?timeout=60s"));
    expect(elapsedMs).toBeGreaterThan(59_000);
    expect(silent.nodes.calls.length / 3).toBeLessThan(20);
    const leaderless = new TestClient();
    leaderless.nodes.group().leader = null;
    await elapse(leaderless.get("/v1/kv/a?timeout=60s"));
    // Each time the nodes are asked who leads, and one of them to stand for election.
    expect(leaderless.nodes.calls.length / 4).toBeLessThan(120);
  });

  test("is found without waiting for a node that hangs", async () => {
    const client = new TestClient();
    const group = client.nodes.group();
    client.nodes.faults.set("n1", faults.hanging);
    group.elect(null);
    setTimeout(() => group.elect("n3"), 50);
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1"));
    expect(value.status).toBe(201);
    expect(elapsedMs).toBeLessThan(200);
  });

  test("that two nodes see in each other is not followed in circles", async () => {
    const client = new TestClient();
    client.nodes.faults.set("n1", (call) => refuse(call, "not_leader", false, "n2"));
    client.nodes.faults.set("n2", (call) => refuse(call, "not_leader", false, "n1"));
    client.nodes.faults.set("n3", faults.throwing);
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1"));
    expect(await failure(value)).toEqual({ status: 503, code: "no_leader", ambiguous: false });
    expect(elapsedMs).toBeLessThanOrEqual(10_000);
    expect(client.nodes.calls.length).toBeLessThan(600);
  });
});

describe("each call", () => {
  test("is made on a stub of its own, near its node, without the runtime's retries", async () => {
    const client = new TestClient();
    await elapse(client.put("/v1/groups/g.1/kv/a", "1"));
    expect(client.nodes.calls).toHaveLength(4);
    for (const { group, node, options } of client.nodes.calls) {
      expect([group, options]).toEqual(["g.1", { locationHint: `near-${node}`, retry: { maxRetries: 0 } }]);
    }
  });

  test("tells the node to give up before its caller does", async () => {
    const client = await settledClient();
    await elapse(client.put("/v1/kv/a", "1", { "x-raft-timeout-ms": "1", "x-raft-group": "evil" }));
    await elapse(client.put("/v1/kv/a?timeout=1ms", "1"));
    const told = client.nodes.calls.map(({ headers }) => Number(headers.get("x-raft-timeout-ms")));
    expect(told).toEqual([9750, 1]);
    expect(client.nodes.calls[0]!.headers.get("x-raft-group")).toBe("default");
  });
});

describe("a write without an Idempotency-Key", () => {
  test.each(["throwing", "losing", "foreign", "impostor", "hanging", "stuck"] as const)(
    "is not repeated when its call ends by %s: it may have happened",
    async (fault) => {
      const client = await settledClient();
      client.nodes.faults.set("n1", on(internalPath.propose, faults[fault]));
      const { value } = await elapse(client.put("/v1/kv/a?timeout=3s", "1"));
      expect(value.headers.get("retry-after")).toBe("1");
      expect(client.nodes.asked()).toEqual(["n1"]);
      const { error } = await value.json<ErrorBody>();
      expect([value.status, error.ambiguous]).toEqual([503, true]);
      expect(error.message).toContain("Idempotency-Key");
    },
  );

  test("takes nothing but a leader's word: nodes that are merely down cost it no doubt", async () => {
    const client = new TestClient();
    client.nodes.faults.set("n1", faults.throwing);
    client.nodes.group().elect("n3");
    expect((await elapse(client.put("/v1/kv/a", "1"))).value.status).toBe(201);
    expect(client.nodes.asked()).toEqual(["n3"]);
  });

  test("goes to the next leader after a failure, as that was forgotten", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", faults.throwing);
    expect((await elapse(client.put("/v1/kv/a", "1"))).value.status).toBe(503);
    client.nodes.group().elect("n2");
    expect((await elapse(client.put("/v1/kv/a", "1"))).value.status).toBe(200);
  });

  test("is repeated when the node says that nothing happened", async () => {
    const client = await settledClient();
    let refusals = 3;
    client.nodes.faults.set("n1", (call, proceed) => {
      return call.path === internalPath.propose && refusals-- > 0 ? refuse(call, "superseded", false, "n1") : proceed();
    });
    expect((await elapse(client.put("/v1/kv/a", "1"))).value.status).toBe(200);
    expect(client.nodes.asked()).toEqual(["n1", "n1", "n1", "n1"]);
  });
});

describe("a write with an Idempotency-Key", () => {
  test("whose answer is lost is repeated, and takes effect once", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", on(internalPath.propose, faults.losing));
    setTimeout(() => client.nodes.faults.clear(), 100);
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1", repeatable));
    expect([value.status, await value.json<object>()]).toMatchObject([200, { mod_revision: 3, version: 2 }]);
    expect(elapsedMs).toBeLessThan(500);
    expect(client.nodes.asked().length).toBeGreaterThan(1);
  });

  test("finds a live leader behind one that hangs", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", faults.hanging);
    client.nodes.group().elect("n2");
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1", repeatable));
    expect([value.status, value.headers.get("x-raft-leader")]).toEqual([200, "n2"]);
    expect(elapsedMs).toBeLessThan(3500);
  });

  test("says that an earlier attempt may still arrive when a later one was refused", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", on(internalPath.propose, faults.throwing));
    client.nodes.group().elect("n2");
    const { value } = await elapse(client.put("/v1/kv/a", "1", { ...repeatable, "if-match": '"99"' }));
    expect(await failure(value)).toEqual({ status: 412, code: "precondition_failed", ambiguous: true });
  });

  test("says so of a delete that found nothing, too", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", on(internalPath.propose, faults.throwing));
    client.nodes.group().elect("n2");
    const { value } = await elapse(client.delete("/v1/kv/b", repeatable));
    expect(await failure(value)).toEqual({ status: 404, code: "key_not_found", ambiguous: true });
  });

  test("ends with its time, in doubt", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", on(internalPath.propose, faults.stuck));
    const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1", repeatable));
    expect(await failure(value)).toEqual({ status: 503, code: "timeout", ambiguous: true });
    expect(elapsedMs).toBeGreaterThan(9000);
    expect(elapsedMs).toBeLessThanOrEqual(10_000);
  });
});

describe("a linearizable read", () => {
  test.each(["throwing", "foreign", "impostor", "hanging", "stuck"] as const)(
    "gets past a leader that is %s",
    async (fault) => {
      const client = await settledClient();
      client.nodes.faults.set("n1", faults[fault]);
      client.nodes.group().elect("n2");
      const { value, elapsedMs } = await elapse(client.get("/v1/kv/a"));
      expect([value.status, await value.text()]).toEqual([200, "0"]);
      expect(elapsedMs).toBeLessThan(3500);
    },
  );

  test("of two seconds gets past a leader that hangs", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", faults.hanging);
    client.nodes.group().elect("n2");
    expect((await elapse(client.get("/v1/kv/a?timeout=2s"))).value.status).toBe(200);
  });

  test("is never answered by a node that does not lead", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", faults.throwing);
    const { value, elapsedMs } = await elapse(client.get("/v1/kv/a?timeout=2s"));
    expect(await failure(value)).toEqual({ status: 503, code: "unavailable", ambiguous: false });
    expect(new Set(client.nodes.asked())).toEqual(new Set(["n1"]));
    expect(elapsedMs).toBeLessThanOrEqual(2000);
  });
});

describe("without an answer", () => {
  test.each([
    ["no node knows a leader", (nodes: FakeNamespace) => nodes.group().elect(null), "no_leader"],
    ["every node is down", (nodes: FakeNamespace) => all(nodes, "throwing"), "unavailable"],
    ["every node hangs", (nodes: FakeNamespace) => all(nodes, "hanging"), "unavailable"],
    ["no majority confirms", (nodes: FakeNamespace) => all(nodes, "stuck", internalPath.query), "timeout"],
  ])("because %s, a read ends with its time", async (_, arrange, code) => {
    const client = new TestClient();
    arrange(client.nodes);
    const { value, elapsedMs } = await elapse(client.get("/v1/kv/a?timeout=5s"));
    expect(value.headers.get("retry-after")).toBe("1");
    expect(await failure(value)).toEqual({ status: 503, code, ambiguous: false });
    expect(elapsedMs).toBeGreaterThan(4000);
    expect(elapsedMs).toBeLessThanOrEqual(5000);
  });

  function all(nodes: FakeNamespace, fault: keyof typeof faults, path?: string): void {
    for (const id of nodes.ids) nodes.faults.set(id, path === undefined ? faults[fault] : on(path, faults[fault]));
  }
});

describe("a node that has too much to do", () => {
  test("is left alone: an overloaded object is never asked again", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", faults.overloaded);
    for (const headers of [{}, repeatable]) {
      const { value, elapsedMs } = await elapse(client.put("/v1/kv/a", "1", headers));
      expect([value.headers.get("retry-after"), elapsedMs]).toEqual(["1", 0]);
      expect(await failure(value)).toEqual({ status: 429, code: "overloaded", ambiguous: false });
    }
    expect(client.nodes.asked()).toEqual(["n1", "n1"]);
  });

  test.each([
    ["overloaded", 429, "overloaded"],
    ["too_large", 413, "too_large"],
    ["bad_request", 503, "unavailable"],
  ] as const)("refuses with %s, and the client hears of it", async (refusal, status, code) => {
    const client = await settledClient();
    client.nodes.faults.set("n1", (call) => refuse(call, refusal, false, "n1"));
    const { value } = await elapse(client.put("/v1/kv/a", "1"));
    expect(await failure(value)).toEqual({ status, code, ambiguous: false });
  });

  test("refuses for a reason that this version does not know: only its word makes a repetition safe", async () => {
    const client = await settledClient();
    const refuseWithoutWord: Fault = (call) => {
      const { headers } = refuse(call, "timeout", true, "n1");
      return new Response('{"code":"shy"}', { status: 421, headers });
    };
    client.nodes.faults.set(
      "n1",
      on(internalPath.propose, (call) => refuse(call, "shy" as "timeout", true, "n1")),
    );
    expect(await failure((await elapse(client.put("/v1/kv/a", "1"))).value)).toMatchObject({ ambiguous: true });
    expect(client.nodes.asked()).toEqual(["n1"]);
    client.nodes.calls.length = 0;
    client.nodes.faults.set("n1", on(internalPath.propose, refuseWithoutWord));
    expect(await failure((await elapse(client.put("/v1/kv/a", "1"))).value)).toMatchObject({ ambiguous: true });
    expect(client.nodes.asked()).toEqual(["n1"]);
    client.nodes.faults.set(
      "n1",
      on(internalPath.propose, (call) => refuse(call, "shy" as "timeout", false, "n1")),
    );
    setTimeout(() => client.nodes.faults.clear(), 100);
    expect((await elapse(client.put("/v1/kv/a", "1"))).value.status).toBe(200);
  });
});

describe("a stale read", () => {
  test("is answered by the first node that can, leader or not, from what it holds", async () => {
    const client = await settledClient();
    client.nodes.group().lagging.add("n2");
    await elapse(client.put("/v1/kv/a", "1"));
    client.nodes.faults.set("n1", faults.throwing);
    client.nodes.group().elect(null);
    client.nodes.calls.length = 0;
    const { value } = await elapse(client.get("/v1/kv/a?consistency=stale"));
    expect([value.status, await value.text()]).toEqual([200, "0"]);
    expect(client.nodes.asked()).toEqual(["n1", "n2"]);
    expect((await elapse(client.get("/v1/kv?consistency=stale"))).value.status).toBe(200);
  });

  test("is answered by the node that it names, or not at all", async () => {
    const client = await settledClient();
    expect((await elapse(client.get("/v1/kv/a?consistency=stale&node=n3"))).value.status).toBe(200);
    expect(client.nodes.asked()).toEqual(["n3"]);
    client.nodes.faults.set("n3", faults.throwing);
    const { value } = await elapse(client.get("/v1/kv/a?consistency=stale&node=n3"));
    expect(await failure(value)).toEqual({ status: 503, code: "unavailable", ambiguous: false });
    expect(new Set(client.nodes.asked())).toEqual(new Set(["n3"]));
  });

  test("waits for a node that has just restarted, and for one that hears of no leader yet", async () => {
    for (const [query, code] of [
      ["consistency=stale", "throwing"],
      ["consistency=linearizable", "no leader"],
    ]) {
      const client = await settledClient();
      let left = 3;
      client.nodes.faults.set("n3", (call, proceed) => {
        left -= 1;
        if (left >= 0 && code === "throwing") throw new Error("restarting");
        if (left >= 0) return refuse(call, "not_leader");
        client.nodes.group().elect("n3");
        return proceed();
      });
      const { value, elapsedMs } = await elapse(client.get(`/v1/kv/a?${query}&node=n3`));
      expect([value.status, await value.text()]).toEqual([200, "0"]);
      expect(elapsedMs).toBeLessThan(1000);
    }
  });

  test.each(["removed", "fenced"] as const)("of a node that is %s is told so at once", async (code) => {
    const client = await settledClient();
    client.nodes.faults.set("n3", (call) => refuse(call, code));
    const { value, elapsedMs } = await elapse(client.get("/v1/kv/a?consistency=stale&node=n3"));
    const { error } = await value.json<ErrorBody>();
    expect([value.status, error.code, error.message]).toEqual([503, "unavailable", "A node says so."]);
    expect(elapsedMs).toBe(0);
    expect((await elapse(client.get("/v1/kv/a?consistency=stale"))).value.status).toBe(200);
  });

  test("leaves time for the next node when one hangs", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n1", faults.hanging);
    const { value, elapsedMs } = await elapse(client.get("/v1/kv/a?consistency=stale&timeout=2s"));
    expect([value.status, await value.text()]).toEqual([200, "0"]);
    expect(elapsedMs).toBeLessThan(1500);
  });

  test("of a node that is named and overloaded is told so", async () => {
    const client = await settledClient();
    client.nodes.faults.set("n2", faults.overloaded);
    const { value } = await elapse(client.get("/v1/kv/a?consistency=stale&node=n2"));
    expect(await failure(value)).toEqual({ status: 429, code: "overloaded", ambiguous: false });
    expect((await elapse(client.get("/v1/kv/a?consistency=stale"))).value.status).toBe(200);
  });

  test.each(["consistency=stale&node=n9", "node=", "consistency=eventual", "consistency="])(
    "is not what %s asks for",
    async (query) => {
      const client = new TestClient();
      const { value } = await elapse(client.get(`/v1/kv/a?${query}`));
      expect(await failure(value)).toEqual({ status: 400, code: "invalid_parameter", ambiguous: false });
      expect(client.nodes.calls).toEqual([]);
    },
  );
});

describe("a read's bounds", () => {
  function boundsTold(client: TestClient): (string | null)[][] {
    const { consistency, maxStalenessMs, minIndex } = internalHeader;
    return client.nodes.calls
      .filter(({ path }) => path === internalPath.query)
      .map(({ node, headers }) => [node, ...[consistency, maxStalenessMs, minIndex].map((name) => headers.get(name))]);
  }

  test("reach the node that is to keep them", async () => {
    const client = await settledClient();
    client.nodes.calls.length = 0;
    await elapse(client.get("/v1/kv/a?consistency=stale&max_staleness=5s&node=n3"));
    await elapse(client.get("/v1/kv?consistency=stale&min_index=1&node=n2"));
    await elapse(client.get("/v1/kv/a?min_index=1"));
    expect(boundsTold(client)).toEqual([
      ["n3", "stale", "5000", null],
      ["n2", "stale", null, "1"],
      ["n1", "linearizable", null, "1"],
    ]);
  });

  test("of a node that is named, whoever leads, make it ask the leader itself", async () => {
    const client = await settledClient();
    client.nodes.calls.length = 0;
    client.nodes.group().elect("n2");
    await elapse(client.get("/v1/kv/a?node=n2"));
    expect(boundsTold(client)).toEqual([["n2", "linearizable", null, null]]);
  });

  test("are the leader's to keep when no node is sure that it can", async () => {
    const client = await settledClient();
    for (const node of ["n2", "n3"]) client.nodes.faults.set(node, on(internalPath.query, faults.throwing));
    let refused = false;
    client.nodes.faults.set("n1", (call, proceed) => {
      if (call.path !== internalPath.query || refused) return proceed();
      refused = true;
      return refuse(call, "not_leader");
    });
    const { value } = await elapse(client.get("/v1/kv/a?consistency=stale&max_staleness=1s"));
    expect(value.status).toBe(200);
    expect(boundsTold(client).at(-1)).toEqual(["n1", "linearizable", "1000", null]);
  });

  test.each([
    "max_staleness=5s",
    "consistency=stale&max_staleness=5",
    "consistency=stale&max_staleness=1441m",
    "min_index=-1",
    "min_index=1.5",
    "min_index=",
    "min_index=99999999999999999",
  ])("can't be %s", async (query) => {
    const client = new TestClient();
    const { value } = await elapse(client.get(`/v1/kv/a?${query}`));
    expect(await failure(value)).toEqual({ status: 400, code: "invalid_parameter", ambiguous: false });
    expect(client.nodes.calls).toEqual([]);
  });
});

describe("the time that a request may take", () => {
  test.each(["1ms", "500ms", "5s", "1m", "60s", "60000ms"])("can be %s", async (timeout) => {
    expect((await elapse(new TestClient().get(`/v1/kv?timeout=${timeout}`))).value.status).toBe(200);
  });

  test.each(["", "0ms", "0s", "61s", "2m", "60001ms", "5", "1.5s", "-1s", "5 s", "1h", "5S", "9999999ms"])(
    "can't be %j",
    async (timeout) => {
      const client = new TestClient();
      const { value } = await elapse(client.get(`/v1/kv?timeout=${timeout}`));
      expect(await failure(value)).toEqual({ status: 400, code: "invalid_parameter", ambiguous: false });
      expect(client.nodes.calls).toEqual([]);
    },
  );
});

test("the time that a client takes to send its value is its own", async () => {
  const client = await settledClient();
  const body = new ReadableStream({
    async start(controller) {
      await new Promise((resolve) => setTimeout(resolve, 30_000));
      controller.enqueue(new TextEncoder().encode("late"));
      controller.close();
    },
  });
  const { value } = await elapse(client.send("PUT", "/v1/kv/a", { body, duplex: "half" } as RequestInit));
  expect(value.status).toBe(200);
});

test("what this isolate last saw of a group stands in where no node had part", async () => {
  const client = await settledClient();
  const { value } = await elapse(client.get("/v1/kv/%"));
  expect(["term", "index", "leader"].map((name) => value.headers.get(`x-raft-${name}`))).toEqual(["1", "2", "n1"]);
  const other = (await elapse(client.get("/v1/groups/other/kv/%"))).value;
  expect(other.headers.has("x-raft-term")).toBe(false);
});
