/** etcd's gateway as its clients find it: addresses, methods, headers, tokens, and what bad requests are told. */

import { describe, expect, test } from "vitest";
import { methods } from "../../../src/api/etcd/methods.ts";
import { codes, EtcdApp, LineReader, told } from "./etcd-app.ts";

const get = { key: "YQ==" };

describe("addresses", () => {
  test.each(["/v3", "/v3beta", "/v3alpha", "/v1/groups/g/v3", "/v1/groups/default/v3alpha"])(
    "begin with %s",
    async (prefix) => {
      const app = new EtcdApp();
      expect((await app.fetch(`${prefix}/kv/put`, { ...get, value: "MQ==" })).status).toBe(200);
      expect(await (await app.fetch(`${prefix}/kv/range`, get)).json()).toMatchObject({ count: "1" });
    },
  );

  test.each(["/v3/kv/nope", "/v3/kv/range/", "/v3/", "/v3/kv/lease/grant", "/v3/toString"])(
    "such as %s are not known",
    async (path) => {
      const response = await new EtcdApp().fetch(path);
      const type = response.headers.get("content-type")?.split(";")[0];
      expect([response.status, await response.text(), type]).toEqual([404, "Not Found", "text/plain"]);
    },
  );

  test.each(["GET", "HEAD", "PUT", "DELETE"])("take no %s", async (method) => {
    const app = new EtcdApp();
    const response = await app.fetch("/v3/kv/range", {}, { method, ...(method !== "PUT" && { body: null }) });
    expect([response.status, app.group.calls]).toEqual([405, []]);
  });

  test("tell pages of other origins that they may call", async () => {
    const response = await new EtcdApp().fetch("/v3/kv/put", {}, { method: "OPTIONS", body: null });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE",
      "access-control-allow-headers": "accept, content-type, authorization",
    });
  });

  test("name groups by our rules", async () => {
    const response = await new EtcdApp().fetch("/v1/groups/-g/v3/kv/range", get);
    expect([response.status, await response.json()]).toMatchObject([400, { code: 3 }]);
  });
});

describe("a body", () => {
  test.each(["application/json", "application/x-www-form-urlencoded", "text/plain", "image/png"])(
    "of %s is JSON all the same",
    async (type) => {
      const app = new EtcdApp();
      const response = await app.fetch("/v3/kv/put", get, { headers: { "content-type": type } });
      expect([response.status, await app.revision()]).toEqual([200, 2]);
    },
  );

  test.each(["", " ", "{}", "null"])("%j has nothing in it", async (body) => {
    expect(told(await new EtcdApp().call("kv/range", body))).toEqual([400, 3, "etcdserver: key is not provided"]);
    expect((await new EtcdApp().call("kv/txn", body)).body).toEqual({ succeeded: true });
  });

  test.each(['{"key":', "{bad", "[]", '"YQ=="', '{"key":"YQ=="}{}', '{"key":"YQ=="}x', "1"])(
    "%j is refused",
    async (body) => {
      const app = new EtcdApp();
      expect((await app.call("kv/put", body)).body).toMatchObject({ code: 3, error: expect.any(String) as string });
      expect([(await app.call("kv/put", body)).status, app.group.calls]).toEqual([400, []]);
    },
  );

  test("that comes in pieces is read to its end, and never more of it than the limit", async () => {
    const app = new EtcdApp();
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const init = { body: endless, duplex: "half" } as RequestInit;
    expect(told(await app.call("kv/put", "", init))).toEqual([400, 3, "etcdserver: request is too large"]);
    expect(sent).toBeLessThan(3 * 1024 * 1024);
  });
});

describe("a deployment's token", () => {
  const app = (): EtcdApp => new EtcdApp({ API_TOKEN: "secret-1" });
  const range = async (headers: Record<string, string>): Promise<unknown[]> =>
    told(await app().call("kv/range", get, { headers }));

  test.each([
    { authorization: "secret-1" },
    { authorization: "Bearer secret-1" },
    { "sec-websocket-protocol": "Bearer, secret-1" },
  ])("is taken as %j", async (headers) => {
    expect((await app().call("kv/range", get, { headers })).status).toBe(200);
  });

  test.each([{}, { authorization: "" }, { authorization: "Basic c2VjcmV0LTE=" }])(
    "is asked for where there is none: %j",
    async (headers) => {
      expect(await range(headers)).toEqual([400, 3, "etcdserver: user name is empty"]);
    },
  );

  test.each(["secret-2", "Bearer secret-", "SECRET-1"])("is not %s", async (authorization) => {
    expect(await range({ authorization })).toEqual([401, 16, "etcdserver: invalid auth token"]);
  });

  test("is needed for every method but two, which tell nothing of the group", async () => {
    const closed = app();
    for (const method of methods.keys()) await closed.call(method);
    const health = await closed.fetch("/health", "", { method: "GET", body: null });
    expect([health.status, closed.group.calls]).toEqual([400, []]);
    expect(await (await closed.fetch("/v3/cluster/member/list")).json()).toEqual({
      header: {},
      members: [{ clientURLs: ["http://localhost"] }],
    });
  });

  test("is what a password is exchanged for", async () => {
    const closed = app();
    const headers = { authorization: "an old token" };
    const right = await closed.call("auth/authenticate", { name: "root", password: "secret-1" }, { headers });
    expect(right.body).toEqual({ token: "secret-1" });
    const wrong = await closed.call("auth/authenticate", { name: "root", password: "secret-2" });
    expect(told(wrong)).toEqual([400, 3, "etcdserver: authentication failed, invalid user ID or password"]);
  });

  test("that was never set leaves everything closed", async () => {
    const closed = new EtcdApp({ RAFT_OPEN: "" });
    expect(codes(await closed.call("kv/range", get))).toEqual([403, 7]);
    expect(codes(await closed.call("cluster/member/list"))).toEqual([403, 7]);
    expect(closed.group.calls).toEqual([]);
  });
});

describe("an account", () => {
  test.each([
    ["auth/authenticate", { name: "x", password: "y" }, 412, 9, "etcdserver: authentication is not enabled"],
    ["auth/enable", {}, 412, 9, "etcdserver: root user does not exist"],
    ["auth/user/get", { name: "x" }, 412, 9, "etcdserver: user name not found"],
    ["auth/role/get", { role: "x" }, 412, 9, "etcdserver: role name not found"],
  ])("is none that %s knows", async (method, request, ...error) => {
    expect(told(await new EtcdApp().call(method, request))).toEqual(error);
  });

  test.each(["auth/user/add", "auth/role/add", "maintenance/downgrade"])("can't be made: %s", async (method) => {
    expect(codes(await new EtcdApp().call(method, { name: "x" }))).toEqual([501, 12]);
  });

  test.each(["auth/disable", "auth/user/list", "auth/role/list", "auth/status"])("%s goes well", async (method) => {
    expect(await new EtcdApp().call(method)).toEqual({ status: 200, body: {} });
  });
});

test("the version is one that clients know how to speak to, and the server is healthy", async () => {
  const app = new EtcdApp();
  const ask = async (path: string): Promise<unknown> =>
    await (await app.fetch(path, "", { method: "GET", body: null })).json();
  expect(await ask("/version")).toEqual({ etcdserver: "3.4.23", etcdcluster: "3.4.0" });
  expect(await ask("/health")).toEqual({ health: "true", reason: "" });
});

describe("a stream", () => {
  test("has a chunk for each message, of events however large, and is not to be transformed", async () => {
    const app = new EtcdApp();
    const watch = await app.stream("watch", { create_request: { key: "AA==", range_end: "AA==" } });
    expect(watch.response.headers.get("cache-control")).toBe("no-store, no-transform");
    expect(await watch.next()).toMatchObject({ created: true });
    await Promise.all(["a", "b", "c"].map((key) => app.put(key, "v".repeat(300_000))));
    let events = 0;
    while (events < 3) events += ((await watch.next()) as { events: unknown[] }).events.length;
    await watch.cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(app.group.streams).toBe(0);
  });

  test("replays what was, goes on with what is, and survives the node that serves it", async () => {
    const app = new EtcdApp();
    for (const value of ["1", "2", "3"]) await app.put("a", value);
    const watch = await app.stream("watch", { create_request: { ...get, start_revision: "3" } });
    const revisions: string[] = [];
    const read = async (count: number): Promise<void> => {
      while (revisions.length < count) {
        const { events = [] } = (await watch.next()) as { events?: { kv: { mod_revision: string } }[] };
        revisions.push(...events.map(({ kv }) => kv.mod_revision));
      }
    };
    await read(2);
    for (const id of ["n2", "n3"]) {
      app.group.crash(id);
      await app.put("a", "4");
      await read(revisions.length + 1);
      app.group.restart(id);
    }
    expect(revisions).toEqual(["3", "4", "5", "6"]);
    await watch.cancel();
  });

  test("of requests ends with a line that says which of them was none", async () => {
    const lines = await (await new EtcdApp().stream("lease/keepalive", '{"ID":7}{"ID":"x"}{"ID":8}')).all();
    expect(lines).toMatchObject([{ ID: "7" }, { error: { grpc_code: 2, http_code: 500 } }]);
    expect(lines).toHaveLength(2);
  });

  test.each(["{bad", "[]", '{"create_request":{"key":"@"}}'])(
    "of watches that begins with %s never begins",
    async (body) => {
      const app = new EtcdApp();
      expect(codes(await app.call("watch", body))).toEqual([500, 2]);
      expect(app.group.calls).toEqual([]);
    },
  );

  test("of a snapshot has all keys at one revision, page by page", async () => {
    const app = new EtcdApp();
    for (let at = 0; at < 50; at++) await app.put(`k${at}`, "v".repeat(50_000));
    const response = await app.fetch("/v3/maintenance/snapshot", "");
    const lines = new LineReader(response);
    const first = await lines.next();
    await app.put("later", "1");
    const pages = [first, ...(await lines.all())] as { blob: string; remaining_bytes?: string }[];
    const items = pages.flatMap(({ blob }) =>
      atob(blob)
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    );
    expect(items).toHaveLength(50);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.map(({ remaining_bytes: left }) => left === undefined)).toEqual(
      pages.map((_, at) => at === pages.length - 1),
    );
  });
});

describe("maintenance", () => {
  test("tells the status, also without a leader", async () => {
    const app = new EtcdApp();
    await app.put("a", "1");
    const { body } = await app.call("maintenance/status");
    expect(Object.keys(body)).toEqual([
      "version",
      "dbSize",
      "leader",
      "raftIndex",
      "raftTerm",
      "raftAppliedIndex",
      "dbSizeInUse",
    ]);
    expect(body).toMatchObject({ version: "3.4.23", raftTerm: "1", leader: (await app.header("kv/txn"))["member_id"] });
  });

  test("has no alarms and nothing to defragment", async () => {
    const app = new EtcdApp();
    expect(await (await app.fetch("/v3/maintenance/alarm")).json()).toEqual({});
    expect(await (await app.fetch("/v3/maintenance/alarm", { action: "DEACTIVATE", alarm: 1 })).json()).toEqual({});
    expect(await (await app.fetch("/v3/maintenance/defragment")).json()).toEqual({});
    expect(codes(await app.call("maintenance/alarm", { action: "ACTIVATE" }))).toEqual([501, 12]);
  });

  test("hashes what is stored, at any revision that is kept", async () => {
    const app = new EtcdApp();
    await app.put("a", "1");
    const { body: before } = await app.call("maintenance/hash");
    await app.put("a", "2");
    const { body: after } = await app.call("maintenance/hashkv", { revision: "2" });
    expect(after).toEqual({ hash: before["hash"], hash_revision: "2" });
    expect((await app.call("maintenance/hashkv")).body["hash"]).not.toBe(before["hash"]);
    expect(codes(await app.call("maintenance/hashkv", { revision: 9 }))).toEqual([400, 11]);
  });
});
