/** What the API tells of the cluster itself: its nodes, its health, its metrics. */

import { describe, expect, test } from "vitest";
import { failure, TestClient } from "./client.ts";
import { FakeNamespace, faults } from "./fake-group.ts";

interface Report {
  readonly nodes: readonly { readonly id: string; readonly reachable: boolean; readonly reason?: string }[];
}

describe("the cluster report", () => {
  test("shows every node as it sees itself, and how far it is behind", async () => {
    const client = new TestClient();
    client.nodes.group().lagging.add("n3");
    await client.put("/v1/kv/a", "1");
    const response = await client.get("/v1/cluster");
    expect([response.status, response.headers.get("x-raft-leader")]).toEqual([200, "n1"]);
    const log = { first_index: 1, last_index: 2, commit_index: 2, applied_index: 2 };
    const behind = { ...log, commit_index: 1, applied_index: 1 };
    const timing = { heartbeat_ms: 50, election_min_ms: 150, election_max_ms: 300 };
    const known = { reachable: true, term: 1, leader: "n1", standing: "member", quiescent: false, timing, lease: null };
    const node = (id: string): object => ({ id, member: "voter", location_hint: `near-${id}`, ...known });
    expect(await response.json()).toEqual({
      group: "default",
      leader: "n1",
      term: 1,
      commit_index: 2,
      joint: false,
      group_id: "f00d",
      nodes: [
        { ...node("n1"), role: "leader", log, lag: 0, last_contact_ms: null, round_trip_ms: null },
        { ...node("n2"), role: "follower", log, lag: 0, last_contact_ms: 12, round_trip_ms: 2 },
        { ...node("n3"), role: "follower", log: behind, lag: 1, last_contact_ms: 12, round_trip_ms: 2 },
      ],
    });
  });

  test("shows the lease that reads rest on, where they do", async () => {
    const client = new TestClient();
    const lease = { maxClockDriftMs: 15, remainingMs: 120 };
    client.nodes.faults.set("n1", async (_, proceed) => {
      const response = proceed();
      return new Response(JSON.stringify({ ...(await response.json<object>()), lease }), response);
    });
    const { nodes } = await (await client.get("/v1/cluster")).json<{ nodes: { lease: unknown }[] }>();
    expect(nodes.map((node) => node.lease)).toEqual([{ max_clock_drift_ms: 15, remaining_ms: 120 }, null, null]);
  });

  test("lists nodes that do not answer, with the reason, and what the leader knows of them", async () => {
    const client = new TestClient(new FakeNamespace(["n1", "n2", "n3", "n4", "n5"]));
    client.nodes.faults.set("n2", faults.throwing).set("n3", faults.hanging).set("n4", faults.foreign);
    client.nodes.faults.set("n5", faults.overloaded);
    const response = await client.get("/v1/cluster?timeout=100ms");
    const { nodes } = await response.json<Report>();
    expect(response.status).toBe(200);
    expect(nodes.map(({ reachable, reason }) => (reachable ? "reachable" : reason))).toEqual([
      "reachable",
      "unreachable",
      "timeout",
      "unreachable",
      "overloaded",
    ]);
    expect(nodes[1]).toMatchObject({ last_contact_ms: 34, match_index: 1 });
  });

  test("is a report even when nobody answers, or nobody makes sense", async () => {
    const client = new TestClient();
    for (const id of client.nodes.ids) client.nodes.faults.set(id, faults.throwing);
    const response = await client.get("/v1/cluster");
    expect([response.status, await response.json()]).toMatchObject([200, { leader: null, term: null }]);
    for (const id of client.nodes.ids) {
      client.nodes.faults.set(id, () => new Response('{"term":"new"}', { headers: { "x-raft-node": id } }));
    }
    const { nodes } = await (await client.get("/v1/cluster")).json<Report>();
    expect(nodes.map(({ reason }) => reason)).toEqual(Array<string>(3).fill("not_understood"));
  });

  test("believes the node of the highest term", async () => {
    const client = new TestClient();
    client.nodes.group().elect("n2");
    client.nodes.faults.set("n1", (_, proceed) => {
      const group = client.nodes.group();
      const [leader, term] = [group.leader, group.term];
      Object.assign(group, { leader: "n1", term: 1 });
      const response = proceed();
      Object.assign(group, { leader, term });
      return response;
    });
    expect(await (await client.get("/v1/cluster")).json()).toMatchObject({ leader: "n2", term: 2 });
  });
});

describe("health", () => {
  test("the Worker lives without any node", async () => {
    const client = new TestClient();
    const response = await client.get("/healthz");
    expect([response.status, await response.json(), client.nodes.calls]).toEqual([200, { status: "ok" }, []]);
  });

  test("a group is ready when its leader answers a linearizable read, of a store that may be empty", async () => {
    const client = new TestClient();
    const response = await client.get("/readyz");
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: "ready", group: "default", leader: "n1" },
    ]);
    client.nodes.group("other").leader = null;
    const other = await client.get("/v1/groups/other/readyz?timeout=50ms");
    expect(await failure(other)).toEqual({ status: 503, code: "no_leader", ambiguous: false });
  });

  test("a mistake in wrangler.toml is named", async () => {
    const client = new TestClient(new FakeNamespace(), { RAFT_MEMBERS: [{ id: "n1", role: "king" }] });
    const response = await client.get("/readyz");
    expect(await response.clone().text()).toContain("RAFT_MEMBERS[0].role");
    expect(await failure(response)).toEqual({ status: 503, code: "misconfigured", ambiguous: false });
  });
});

describe("metrics", () => {
  test("are those of all nodes, each family once", async () => {
    const client = new TestClient();
    client.nodes.faults.set("n2", faults.throwing);
    const response = await client.get("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect((await response.text()).split("\n")).toEqual([
      "# HELP durable_raft_node_up Whether the node answered this scrape.",
      "# TYPE durable_raft_node_up gauge",
      'durable_raft_node_up{group="default",node="n1"} 1',
      'durable_raft_node_up{group="default",node="n2"} 0',
      'durable_raft_node_up{group="default",node="n3"} 1',
      "# HELP durable_raft_term The node's term.",
      "# TYPE durable_raft_term gauge",
      'durable_raft_term{group="default",node="n1"} 1',
      'durable_raft_term{group="default",node="n3"} 1',
      "# HELP durable_raft_commit_seconds Latency of commits.",
      "# TYPE durable_raft_commit_seconds histogram",
      'durable_raft_commit_seconds_bucket{group="default",node="n1",le="+Inf"} 2',
      'durable_raft_commit_seconds_sum{group="default",node="n1"} 0.5',
      'durable_raft_commit_seconds_count{group="default",node="n1"} 2',
      'durable_raft_commit_seconds_bucket{group="default",node="n3",le="+Inf"} 2',
      'durable_raft_commit_seconds_sum{group="default",node="n3"} 0.5',
      'durable_raft_commit_seconds_count{group="default",node="n3"} 2',
      "",
    ]);
  });

  test("of a group carry its name", async () => {
    const client = new TestClient();
    const text = await (await client.get("/v1/groups/g.1/metrics")).text();
    expect(text).toContain('durable_raft_node_up{group="g.1",node="n1"} 1');
    expect(text).not.toContain('group="default"');
  });
});
