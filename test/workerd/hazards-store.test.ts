/** What goes wrong in stores that are tested with one writer and a warm cache alone: seen through real nodes and their API. */

import { abortAllDurableObjects, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { createApp } from "../../src/api/app.ts";
import type { Env } from "../../src/env.ts";
import { ApiClient } from "./api-client.ts";
import { faults } from "./faults.ts";
import { TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

/** A request from an isolate that knows nothing of the group. */
async function send(group: TestGroup, method: string, path: string, body?: string): Promise<Response> {
  const url = `http://localhost/v1/groups/${group.name}/kv/${path}`;
  const request = new Request(url, { method, ...(body === undefined ? {} : { body }) });
  return await createApp().fetch(request, { ...(env as unknown as Env), RAFT_OPEN: "loopback" });
}

test("hazard-46 what one leader wrote another one reads and replaces, from its disk alone", async () => {
  const group = new TestGroup();
  const keys = ["a", "a/b", "%00", "ä"];
  const first = await group.leader();
  for (const key of keys) expect((await send(group, "PUT", key, `first ${key}`)).status).toBe(201);
  await new ApiClient(group).call("POST", "cluster/transfer", { to: group.followers(first)[0] });
  await abortAllDurableObjects();
  const second = await group.leader();
  for (const key of keys) {
    const read = await send(group, "GET", key);
    expect(await read.text()).toBe(`first ${key}`);
    const replaced = await send(group, "PUT", key, `second ${key}`);
    expect([replaced.status, await replaced.json()]).toMatchObject([200, { version: 2 }]);
  }
  await new ApiClient(group).call("POST", "cluster/transfer", { to: group.followers(second)[0] });
  await abortAllDurableObjects();
  await group.leader();
  for (const id of group.ids) {
    for (const key of keys) expect(await (await send(group, "GET", `${key}?node=${id}`)).text()).toBe(`second ${key}`);
  }
});

test("hazard-47 a put of the same value makes a revision, which watchers and preconditions see", async () => {
  const group = new TestGroup();
  await group.leader();
  const revisions: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const answer = await send(group, "PUT", "key", "the same");
    revisions.push(answer.headers.get("etag") ?? "");
  }
  expect(new Set(revisions).size).toBe(3);
  const request = new Request(`http://localhost/v1/groups/${group.name}/kv/key`, {
    method: "PUT",
    body: "the same",
    headers: { "if-match": revisions[1] ?? "" },
  });
  const late = await createApp().fetch(request, { ...(env as unknown as Env), RAFT_OPEN: "loopback" });
  expect(late.status).toBe(412);
  expect((await send(group, "GET", "key")).headers.get("etag")).toBe(revisions[2]);
});
