/** A group's members as etcd's clients see and change them. */

import { describe, expect, test } from "vitest";
import type { Call } from "../../../src/api/etcd/call.ts";
import { memberIdOf } from "../../../src/api/etcd/identity.ts";
import { methods } from "../../../src/api/etcd/methods.ts";
import type { UnaryMethod } from "../../../src/api/etcd/method.ts";
import { statusOf } from "../../../src/api/etcd/failures.ts";
import type { ClusterClient, NodeAnswer } from "../../../src/api/cluster.ts";
import { ApiError } from "../../../src/api/errors.ts";
import type { ErrorCode } from "../../../src/api/errors.ts";
import type { Position } from "../../../src/api/position.ts";
import type { StoreClient } from "../../../src/api/store.ts";
import { internalPath } from "../../../src/internal.ts";
import type { MemberStatus, NodeStatus } from "../../../src/internal.ts";
import type { ChangeRequest, RequestedChange } from "../../../src/membership.ts";
import { FakeNamespace } from "../fake-group.ts";
import type { Json } from "./etcd-app.ts";

const position: Position = { node: "n1", term: "3", index: "8", leader: "n1", generation: 0 };
const idOf = (node: string): string => memberIdOf("default", node);

/** A group that makes every change at once, or refuses it. */
class FakeMembers {
  members: MemberStatus[] = ["n1", "n2", "n3"].map((id) => ({ id, role: "voter", promoting: false }));
  refusal: ErrorCode | undefined;
  readonly asked: unknown[] = [];

  async call(method: string, request: object = {}): Promise<Json> {
    try {
      const { header: _, ...body } = JSON.parse(await this.answer(method, request)) as Json;
      return body;
    } catch (error) {
      const { httpStatus, message } = statusOf(error);
      return { httpStatus, message };
    }
  }

  private answer(method: string, request: object): Promise<string> {
    const administer = (_: unknown, path: string, asked: unknown): Promise<NodeAnswer> => this.administer(path, asked);
    const attempt = (): unknown => ({ kind: "answer", body: this.status(), position });
    const callAll = (): Promise<unknown> => Promise.resolve([{ member: { id: "n1" }, attempt: attempt() }]);
    const call: Call = {
      cluster: { administer, callAll } as unknown as ClusterClient,
      store: {} as StoreClient,
      target: { env: new FakeNamespace().env(), group: "default", members: [], timeoutMs: 1000 },
      url: "https://kv.example",
      signal: new AbortController().signal,
      background: () => undefined,
    };
    return (methods.get(method) as UnaryMethod).answer(call, request);
  }

  private administer(path: string, asked: unknown): Promise<NodeAnswer> {
    this.asked.push(asked);
    if (this.refusal !== undefined) return Promise.reject(new ApiError(this.refusal, "A node says so."));
    if (path === internalPath.members) for (const change of (asked as ChangeRequest).changes) this.make(change);
    return Promise.resolve({ body: this.status(), position, ambiguous: false });
  }

  private make(change: RequestedChange): void {
    if (change.action === "remove") this.members = this.members.filter(({ id }) => id !== change.id);
    if (change.action !== "add") return;
    const { id, promote } = change;
    this.members.push({ id, role: promote ? "learner" : change.role, promoting: promote });
  }

  private status(): Uint8Array {
    const log = { firstIndex: 1, lastIndex: 8, lastTerm: 3, commitIndex: 8, appliedIndex: 8 };
    const status: Partial<NodeStatus> = { id: "n1", term: 3, leader: "n1", log, members: this.members };
    return new TextEncoder().encode(JSON.stringify({ ...status, role: "leader", standing: "member", generation: 0 }));
  }
}

const member = (id: string, more: object = {}): object => ({
  ID: idOf(id),
  name: id,
  peerURLs: [`http://${id}:2380`],
  clientURLs: ["https://kv.example"],
  ...more,
});

test("members are listed under ids that never change, at the address that was called", async () => {
  const group = new FakeMembers();
  const { members } = await group.call("cluster/member/list");
  expect(members).toEqual([member("n1"), member("n2"), member("n3")]);
  const ids = Array.from({ length: 1000 }, (_, at) => idOf(`n${at}`));
  expect(new Set(ids).size).toBe(1000);
  expect(ids.every((id) => Number.isSafeInteger(Number(id)) && id !== "0")).toBe(true);
  // Clients keep them: another digest would make all of them strangers.
  expect(idOf("n1")).toBe("8119944797226811");
});

describe("a member", () => {
  test.each([
    [{ peerURLs: ["http://n4:2380"] }, { action: "add", id: "n4", role: "voter", promote: true }],
    [
      { peerURLs: ["https://N_4:1"], isLearner: true },
      { action: "add", id: "N_4", role: "learner", promote: false },
    ],
  ])("is added by the name in its address: %j", async (request, change) => {
    const group = new FakeMembers();
    const { members, member: added } = await group.call("cluster/member/add", request);
    expect(group.asked).toEqual([{ force: false, changes: [change] }]);
    expect(added).toEqual({
      ...member(change.id, { isLearner: true }),
      peerURLs: [`http://${change.id}:2380`],
    });
    expect(members).toHaveLength(4);
  });

  test.each([
    [[]],
    [["n4"]],
    [["http://n4"]],
    [["http://n4:2380/x"]],
    [["http://-:1"]],
    [["http://a:1", "http://b:1"]],
  ])("is not added by %j", async (peerURLs) => {
    const group = new FakeMembers();
    expect(await group.call("cluster/member/add", { peerURLs })).toEqual({
      httpStatus: 400,
      message: "etcdserver: given member URLs are invalid",
    });
    expect(group.asked).toEqual([]);
  });

  test("is removed and promoted by its id", async () => {
    const group = new FakeMembers();
    expect(await group.call("cluster/member/remove", { ID: idOf("n2") })).toEqual({
      members: [member("n1"), member("n3")],
    });
    await group.call("cluster/member/promote", { ID: idOf("n3") });
    expect(group.asked.at(-1)).toEqual({ force: false, changes: [{ action: "promote", id: "n3" }] });
  });

  test.each(["remove", "promote", "update"])("that is none can't be changed: %s", async (action) => {
    const group = new FakeMembers();
    const notFound = { httpStatus: 404, message: "etcdserver: member not found" };
    expect(await group.call(`cluster/member/${action}`, { ID: 1 })).toEqual(notFound);
    expect(group.asked).toEqual([]);
  });

  test("has no address to be changed", async () => {
    const update = { ID: idOf("n1"), peerURLs: ["http://x:1"] };
    expect(await new FakeMembers().call("cluster/member/update", update)).toMatchObject({ httpStatus: 501 });
  });

  test.each([
    ["member_exists", 412, "etcdserver: Peer URLs already exists"],
    ["role_unchanged", 412, "etcdserver: can only promote a learner member"],
    ["not_caught_up", 412, "etcdserver: can only promote a learner member which is in sync with leader"],
    ["quorum_at_risk", 412, "etcdserver: re-configuration failed due to not enough started members"],
    ["two_voters", 412, "etcdserver: A node says so."],
  ] as const)("is not changed where the group refuses: %s", async (refusal, httpStatus, message) => {
    const group = new FakeMembers();
    group.refusal = refusal;
    expect(await group.call("cluster/member/remove", { ID: idOf("n2") })).toEqual({ httpStatus, message });
  });

  test("is handed leadership, if it is one", async () => {
    const group = new FakeMembers();
    expect(await group.call("maintenance/transfer-leadership", { targetID: idOf("n2") })).toEqual({});
    expect(group.asked).toEqual([{ to: "n2" }]);
    const bad = { httpStatus: 412, message: "etcdserver: bad leader transferee" };
    expect(await group.call("maintenance/transfer-leadership", { targetID: 1 })).toEqual(bad);
    expect(await group.call("maintenance/transfer-leadership")).toEqual(bad);
    group.refusal = "not_a_voter";
    expect(await group.call("maintenance/transfer-leadership", { targetID: idOf("n2") })).toEqual(bad);
  });
});
