/** Members, transfers and recovery over HTTP: what reaches the nodes, what their answers become, and where the group is looked for. */

import { describe, expect, test } from "vitest";
import { membershipStatus } from "../../src/api/membership-errors.ts";
import { internalPath, type MemberStatus, type RefusalCode } from "../../src/internal.ts";
import { recoveryConfirmation } from "../../src/membership.ts";
import { failure, TestClient } from "./client.ts";
import { FakeNamespace, type Fault, faults, on, refuse } from "./fake-group.ts";

const member = (id: string, more: Partial<MemberStatus> = {}): MemberStatus => {
  return { id, role: "voter", promoting: false, ...more };
};
const listed = ["n1", "n2", "n3"].map((id) => ({ id, role: "voter" }));

function post(client: TestClient, path: string, body?: unknown): Promise<Response> {
  return client.send("POST", `/v1/cluster/${path}`, body === undefined ? {} : { body: JSON.stringify(body) });
}

/** The nodes that were asked to change the group, in order. */
function asked(client: TestClient, path: string = internalPath.members): string[] {
  return client.nodes.calls.filter((call) => call.path === path).map(({ node }) => node);
}

/** An answer as a leader makes it: its own status. */
const done: Fault = async (call, proceed) => {
  const status = proceed();
  const { headers } = status;
  return new Response(JSON.stringify(statusJson), { headers: new Headers([...headers, ["x-raft-node", call.node]]) });
};
const statusJson = {
  leader: "n1",
  term: 3,
  log: { firstIndex: 1, lastIndex: 9, lastTerm: 3, commitIndex: 9, appliedIndex: 9 },
  joint: false,
  members: [member("n1", { locationHint: "weur" }), member("n4", { role: "learner", promoting: true })],
  peers: [{ id: "n4", lagEntries: 4, lastContactMs: 7 }],
};

describe("a change of the members", () => {
  test.each<[string, string, unknown]>([
    ["POST", "members", { id: "n4" }],
    ["DELETE", "members/n3", undefined],
    ["POST", "members/n3/promote", undefined],
    ["POST", "members/n3/demote", undefined],
  ])("is asked of the leader, who answers with the members: %s %s", async (method, path, body) => {
    const client = new TestClient();
    client.nodes.faults.set("n1", on(internalPath.members, done));
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await client.send(method, `/v1/groups/default/cluster/${path}`, init);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      group: "default",
      leader: "n1",
      term: 3,
      index: 9,
      joint: false,
      members: [
        { id: "n1", role: "voter", promoting: false, location_hint: "weur" },
        { id: "n4", role: "learner", promoting: true, location_hint: null, lag: 4, last_contact_ms: 7 },
      ],
    });
    expect(asked(client)).toEqual(["n1"]);
  });

  test.each(Object.entries(membershipStatus))("that is refused says why: %s", async (code, status) => {
    const client = new TestClient();
    client.nodes.faults.set(
      "n1",
      on(internalPath.members, (call) => refuse(call, code as RefusalCode)),
    );
    const answer = await client.send("DELETE", "/v1/cluster/members/n3");
    expect(await failure(answer.clone())).toEqual({ status, code, ambiguous: false });
    expect(await answer.json()).toMatchObject({ error: { message: "A node says so." } });
    expect(asked(client)).toEqual(["n1"]);
  });

  test("goes on at the next leader, when the present one has handed over because it is to be removed", async () => {
    const client = new TestClient();
    client.nodes.faults.set("n2", on(internalPath.members, done)).set(
      "n1",
      on(internalPath.members, (call) => {
        client.nodes.group().elect("n2");
        return refuse(call, "not_leader", false, "n2");
      }),
    );
    expect((await client.delete("/v1/cluster/members/n1")).status).toBe(200);
    expect(asked(client)).toEqual(["n1", "n2"]);
  });

  test("whose answer is lost is not repeated, and may have happened", async () => {
    const client = new TestClient();
    client.nodes.faults.set("n1", on(internalPath.members, faults.throwing));
    const answer = await post(client, "members", { id: "n4" });
    expect(await failure(answer.clone())).toEqual({ status: 503, code: "unavailable", ambiguous: true });
    expect(await answer.json()).toMatchObject({
      error: { message: expect.stringContaining("members of this group tells") as string },
    });
    expect(asked(client)).toEqual(["n1"]);
  });

  test.each<[string, string, unknown, string]>([
    ["POST", "members", { id: "no id" }, "invalid_body"],
    ["POST", "members", "no object", "invalid_body"],
    ["POST", "members?froce=true", { id: "n4" }, "invalid_parameter"],
    ["POST", "members?force=perhaps", { id: "n4" }, "invalid_parameter"],
    ["DELETE", "members/..%2fn1", undefined, "invalid_parameter"],
    ["POST", "members/%20/promote", undefined, "invalid_parameter"],
    ["POST", "transfer", { to: 7 }, "invalid_body"],
    ["POST", "transfer", { target: "n2" }, "invalid_body"],
    ["POST", "recover", { node: "n1", confirm: "yes" }, "not_confirmed"],
    ["POST", "recover", { confirm: recoveryConfirmation }, "not_confirmed"],
    ["POST", "recover", { node: "n1", confirm: recoveryConfirmation, survivors: [] }, "invalid_body"],
  ])("that makes no sense reaches no node: %s %s %j", async (method, path, body, code) => {
    const client = new TestClient();
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await failure(await client.send(method, `/v1/cluster/${path}`, init));
    expect(answer).toEqual({ status: 400, code, ambiguous: false });
    expect(client.nodes.calls).toEqual([]);
  });

  test.each([
    ["PUT", "members", "GET, HEAD, POST"],
    ["GET", "members/n1", "DELETE"],
    ["GET", "members/n1/promote", "POST"],
    ["DELETE", "members/n1/demote", "POST"],
    ["GET", "transfer", "POST"],
    ["GET", "recover", "POST"],
  ])("is made by one method: %s %s", async (method, path, allowed) => {
    const response = await new TestClient().send(method, `/v1/cluster/${path}`);
    expect([response.status, response.headers.get("allow")]).toEqual([405, allowed]);
  });

  test("needs the token", async () => {
    const client = new TestClient(new FakeNamespace(), { API_TOKEN: "secret" });
    for (const path of ["members", "members/n1/promote", "transfer", "recover"]) {
      expect(await failure(await post(client, path, {}))).toMatchObject({ status: 401, code: "unauthorized" });
    }
    expect(client.nodes.calls).toEqual([]);
  });
});

describe("a transfer", () => {
  test("is answered when it has ended", async () => {
    const client = new TestClient();
    const moved: Fault = () => {
      return new Response(JSON.stringify({ leader: "n2", term: 4 }), { headers: { "x-raft-node": "n1" } });
    };
    client.nodes.faults.set("n1", on(internalPath.transfer, moved));
    for (const body of [undefined, {}, { to: "n2" }]) {
      const response = await post(client, "transfer", body);
      expect([response.status, await response.json()]).toEqual([200, { group: "default", leader: "n2", term: 4 }]);
    }
  });
});

describe("nodes that wrangler.toml does not list", () => {
  /** Four nodes, the last of them the leader, in front of a Worker that was told of three. */
  function grown(): TestClient {
    const client = new TestClient(new FakeNamespace(["n1", "n2", "n3", "n4"]), { RAFT_MEMBERS: listed });
    const group = client.nodes.group();
    group.members = ["n1", "n2", "n3", "n4"].map((id) => member(id));
    group.elect("n4");
    return client;
  }

  test("are found by what the others say, and asked from then on", async () => {
    const client = grown();
    expect((await client.put("/v1/kv/a", "b")).status).toBe(201);
    expect(client.nodes.asked()).toEqual(["n4"]);
    client.nodes.calls.length = 0;
    expect((await client.get("/v1/kv/a")).status).toBe(200);
    expect(client.nodes.calls.map(({ node }) => node)).toEqual(["n4"]);
  });

  test("are in every report", async () => {
    const client = grown();
    const { nodes } = await (await client.get("/v1/cluster")).json<{ nodes: { id: string; reachable: boolean }[] }>();
    expect(nodes.map(({ id, reachable }) => `${id} ${reachable}`)).toEqual([
      "n1 true",
      "n2 true",
      "n3 true",
      "n4 true",
    ]);
    expect(await (await client.get("/metrics")).text()).toContain('node_up{group="default",node="n4"} 1');
    expect(await (await grown().get("/metrics")).text()).toContain('node_up{group="default",node="n4"} 1');
    expect(await (await grown().get("/v1/cluster/members")).json()).toMatchObject({
      leader: "n4",
      members: [{}, {}, {}, {}],
    });
  });

  test("are found through a node that is no member any more", async () => {
    const client = grown();
    client.nodes.group().members = ["n4"].map((id) => member(id));
    for (const id of ["n2", "n3"]) client.nodes.faults.set(id, faults.throwing);
    expect((await client.put("/v1/kv/a", "b")).status).toBe(201);
    expect(client.nodes.asked()).toEqual(["n4"]);
  });

  test("do not hide those that it lists, when none of them answers", async () => {
    const client = grown();
    await client.put("/v1/kv/a", "b");
    client.nodes.group().members = ["n4"].map((id) => member(id));
    await client.get("/v1/cluster");
    client.nodes.group().members = ["n1", "n2", "n3"].map((id) => member(id));
    client.nodes.group().elect("n1");
    client.nodes.faults.set("n4", faults.throwing);
    expect((await client.get("/v1/kv/a")).status).toBe(200);
  });
});

describe("hazard-37 a recovery", () => {
  const confirmed = { node: "n2", confirm: recoveryConfirmation };
  const lost = (client: TestClient): void => {
    client.nodes.group().elect(null);
    for (const id of ["n1", "n3"]) client.nodes.faults.set(id, faults.throwing);
  };

  test("is refused while a majority answers, forced or not", async () => {
    const client = new TestClient();
    const answer = await failure(await post(client, "recover?force=true", confirmed));
    expect(answer).toEqual({ status: 409, code: "group_alive", ambiguous: false });
    expect(asked(client, internalPath.recover)).toEqual([]);
  });

  test("is refused while the group is only too busy to answer, forced or not", async () => {
    const client = new TestClient();
    client.nodes.faults.set("n1", on(internalPath.query, faults.overloaded));
    const answer = await failure(await post(client, "recover?force=true", confirmed));
    expect(answer).toMatchObject({ status: 429, code: "overloaded" });
    expect(asked(client, internalPath.recover)).toEqual([]);
  });

  test("is asked of the survivor alone, and says what it means", async () => {
    const client = new TestClient();
    lost(client);
    const recovered: Fault = () => {
      const body = { node: "n2", groupId: "beef.1", lastIndex: 9, newlyCommitted: 2 };
      return new Response(JSON.stringify(body), { headers: { "x-raft-node": "n2", "x-raft-generation": "1" } });
    };
    client.nodes.faults.set("n2", on(internalPath.recover, recovered));
    const response = await post(client, "recover?timeout=200ms", confirmed);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      node: "n2",
      group_id: "beef.1",
      last_index: 9,
      newly_committed: 2,
      warning: expect.stringContaining("by force") as string,
    });
    expect(asked(client, internalPath.recover)).toEqual(["n2"]);
  });

  test("is refused where another survivor has a newer log, unless it is forced", async () => {
    const client = new TestClient();
    lost(client);
    client.nodes.faults.delete("n3");
    client.nodes.faults.set(
      "n2",
      on(internalPath.recover, (call) => refuse(call, "not_confirmed")),
    );
    const behind: Fault = async (_, proceed) => {
      const response = proceed();
      const status: { log: { lastIndex: number } } = await response.json();
      status.log.lastIndex -= 1;
      return new Response(JSON.stringify(status), { headers: response.headers });
    };
    const usual = client.nodes.faults.get("n2")!;
    client.nodes.faults.set("n2", (call, proceed) => {
      return call.path === internalPath.status ? behind(call, proceed) : usual(call, proceed);
    });
    const answer = await failure(await post(client, "recover?timeout=200ms", confirmed));
    expect(answer).toEqual({ status: 409, code: "newer_survivor", ambiguous: false });
    expect(asked(client, internalPath.recover)).toEqual([]);
    await post(client, "recover?timeout=200ms&force=true", confirmed);
    expect(asked(client, internalPath.recover)).toEqual(["n2"]);
  });

  test("is refused for a node that does not answer", async () => {
    const client = new TestClient();
    lost(client);
    client.nodes.faults.set("n2", faults.throwing);
    const answer = await failure(await post(client, "recover?timeout=200ms", confirmed));
    expect(answer).toEqual({ status: 503, code: "node_unreachable", ambiguous: false });
  });
});
