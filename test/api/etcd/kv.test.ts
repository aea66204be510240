/** etcd's KV service over HTTP: what is stored and told, down to the fields that are left out. */

import { describe, expect, test } from "vitest";
import { base64, EtcdApp, told } from "./etcd-app.ts";

const a = base64("a");
const tooLarge = [400, 3, "etcdserver: request is too large"];

describe("a put", () => {
  test("answers with a header and nothing else; what is there begins at revision 2", async () => {
    const app = new EtcdApp();
    const response = await app.fetch("/v3/kv/put", { key: a, value: base64("1") });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    const { header, ...rest } = await response.json<{ header: Record<string, string> }>();
    expect(rest).toEqual({});
    const { cluster_id: cluster, member_id: member, ...standing } = header;
    expect(standing).toEqual({ revision: "2", raft_term: "1" });
    expect([cluster, member].filter((id) => /^[1-9]\d*$/.test(id ?? ""))).toHaveLength(2);
    expect(await app.call("kv/range", { key: a })).toEqual({
      status: 200,
      body: { kvs: [{ key: a, create_revision: "2", mod_revision: "2", version: "1", value: "MQ==" }], count: "1" },
    });
  });

  test("gives the pair before it if there was one, without a value that is empty", async () => {
    const app = new EtcdApp();
    expect((await app.put("a", "", { prev_kv: true })).body).toEqual({});
    expect((await app.put("a", "2", { prevKv: true })).body).toEqual({
      prev_kv: { key: a, create_revision: "2", mod_revision: "2", version: "1" },
    });
  });

  test("keeps what it is told to ignore, and drops the lease otherwise", async () => {
    const app = new EtcdApp();
    await app.call("lease/grant", { TTL: 60, ID: 7 });
    const lease = async (): Promise<unknown> => {
      const { body } = await app.call("kv/range", { key: a });
      return (body["kvs"] as Record<string, unknown>[])[0]!["lease"];
    };
    await app.put("a", "1", { lease: 7 });
    await app.put("a", "2", { ignore_lease: true });
    expect([await lease(), await app.value("a")]).toEqual(["7", "2"]);
    await app.call("kv/put", { key: a, ignore_value: true });
    expect([await lease(), await app.value("a")]).toEqual([undefined, "2"]);
  });

  test.each([
    [{}, 400, 3, "etcdserver: key is not provided"],
    [{ key: a, value: a, ignore_value: true }, 400, 3, "etcdserver: value is provided"],
    [{ key: a, lease: 1, ignore_lease: true }, 400, 3, "etcdserver: lease is provided"],
    [{ key: a, ignore_value: true }, 400, 3, "etcdserver: key not found"],
    [{ key: a, lease: "2324035515505337393" }, 404, 5, "etcdserver: requested lease not found"],
    [{ key: base64("k".repeat(2049)) }, ...tooLarge],
    [{ key: a, value: base64("v".repeat(1024 * 1024 + 1)) }, ...tooLarge],
    [{ key: a, value: base64("v".repeat(3 * 1024 * 1024)) }, ...tooLarge],
  ])("of %o is refused", async (request, ...error) => {
    const app = new EtcdApp();
    expect(told(await app.call("kv/put", request))).toEqual(error);
    expect(await app.revision()).toBe(1);
  });

  test("of the largest value, under the longest key", async () => {
    const [key, value] = ["k".repeat(2048), "v".repeat(1024 * 1024)];
    const app = new EtcdApp();
    expect((await app.put(key, value)).status).toBe(200);
    expect(await app.value(key)).toBe(value);
  });
});

describe("a range", () => {
  const filled = async (): Promise<EtcdApp> => {
    const app = new EtcdApp();
    for (const key of ["b", "a", "c", "a"]) await app.put(key, key);
    return app;
  };
  const keys = async (app: EtcdApp, request: object): Promise<unknown> => {
    const { body } = await app.call("kv/range", { key: "AA==", range_end: "AA==", ...request });
    return [
      ((body["kvs"] ?? []) as { key: string }[]).map(({ key }) => atob(key)).join(""),
      body["count"],
      body["more"],
    ];
  };

  test.each([
    [{}, "abc", "3", undefined],
    [{ limit: "2" }, "ab", "3", true],
    [{ limit: -1 }, "abc", "3", undefined],
    [{ sort_target: "CREATE" }, "bac", "3", undefined],
    [{ sort_target: "MOD", sort_order: "DESCEND" }, "acb", "3", undefined],
    [{ sort_target: 1, sort_order: 2, limit: 1 }, "a", "3", true],
    [{ min_mod_revision: 4, maxModRevision: 4 }, "c", "3", undefined],
    [{ max_mod_revision: -1 }, "", "3", undefined],
    [{ revision: 3 }, "ab", "2", undefined],
    [{ revision: -1 }, "abc", "3", undefined],
    [{ count_only: true }, "", "3", undefined],
    [{ key: base64("a"), range_end: base64("c") }, "ab", "2", undefined],
    [{ key: base64("c"), range_end: base64("a") }, "", undefined, undefined],
    [{ key: base64("x"), range_end: null }, "", undefined, undefined],
    [{ serializable: true }, "abc", "3", undefined],
  ])("%o", async (request, ...expected) => {
    expect(await keys(await filled(), request)).toEqual(expected);
  });

  test("of keys only has no values", async () => {
    const { body } = await (await filled()).call("kv/range", { key: a, keys_only: true });
    expect(body["kvs"]).toEqual([{ key: a, create_revision: "3", mod_revision: "5", version: "2" }]);
  });

  test("that is serializable is answered by a node that may be behind, without the leader", async () => {
    const app = await filled();
    app.group.calls.length = 0;
    await app.call("kv/range", { key: a, serializable: true });
    expect(app.group.calls).toEqual(["n1 /query"]);
    for (const id of ["n1", "n2"]) app.group.down.add(id);
    expect((await app.call("kv/range", { key: a, serializable: true })).status).toBe(200);
    expect((await app.header("kv/range", { key: a, serializable: true }))["member_id"]).toBeDefined();
  });

  test.each([
    [{ key: a, revision: "100" }, 400, 11, "etcdserver: mvcc: required revision is a future revision"],
    [{ key: a, revision: "9223372036854775807" }, 400, 11, "etcdserver: mvcc: required revision is a future revision"],
    [{ key: a, revision: 2 }, 400, 11, "etcdserver: mvcc: required revision has been compacted"],
    [{ key: "" }, 400, 3, "etcdserver: key is not provided"],
  ])("%o is refused", async (request, ...error) => {
    const app = await filled();
    await app.call("kv/compaction", { revision: 3 });
    expect(told(await app.call("kv/range", request))).toEqual(error);
  });
});

describe("a delete", () => {
  test("tells how many keys it has deleted, unless it was none", async () => {
    const app = new EtcdApp();
    await app.put("a", "1");
    await app.put("b", "");
    expect((await app.call("kv/deleterange", { key: base64("x") })).body).toEqual({});
    const all = { key: "AA==", range_end: "AA==", prev_kv: true };
    expect((await app.call("kv/deleterange", all)).body).toEqual({
      deleted: "2",
      prev_kvs: [
        { key: a, create_revision: "2", mod_revision: "2", version: "1", value: "MQ==" },
        { key: base64("b"), create_revision: "3", mod_revision: "3", version: "1" },
      ],
    });
    expect(await app.revision()).toBe(4);
  });
});

describe("a transaction", () => {
  const put = (key: string, value: string): object => ({ request_put: { key: base64(key), value: base64(value) } });
  const get = (key: string): object => ({ request_range: { key: base64(key), count_only: true } });

  test("compares, and does one or the other", async () => {
    const app = new EtcdApp();
    const create = {
      compare: [{ key: a, target: "CREATE", create_revision: "0" }],
      success: [put("a", "1")],
      failure: [{ request_range: { key: a } }],
    };
    expect((await app.call("kv/txn", create)).body).toEqual({
      succeeded: true,
      responses: [{ response_put: { header: { revision: "2" } } }],
    });
    expect((await app.call("kv/txn", create)).body).toEqual({
      responses: [
        {
          response_range: {
            header: { revision: "2" },
            kvs: [{ key: a, create_revision: "2", mod_revision: "2", version: "1", value: "MQ==" }],
            count: "1",
          },
        },
      ],
    });
  });

  test("without anything succeeds and changes nothing", async () => {
    const app = new EtcdApp();
    expect((await app.call("kv/txn")).body).toEqual({ succeeded: true });
    expect(await app.revision()).toBe(1);
  });

  test.each([
    [{ target: "VERSION", version: "1" }, true],
    [{ version: 1 }, true],
    [{ version: 1, mod_revision: 1 }, undefined],
    [{ mod_revision: 1, version: 1 }, true],
    [{ target: "VERSION", result: "GREATER", version: -5 }, true],
    [{ target: "MOD", result: "LESS", mod_revision: "9223372036854775807" }, true],
    [{ target: "CREATE", result: 3, create_revision: 2 }, undefined],
    [{ target: "VALUE", value: base64("1") }, true],
    [{ target: "VALUE", result: "GREATER", value: base64("0") }, true],
    [{ target: "LEASE", lease: 0 }, true],
    [{ target: "LEASE", result: "NOT_EQUAL" }, undefined],
    [{ key: base64("x"), target: "VALUE", result: "NOT_EQUAL", value: a }, undefined],
    [{ key: "AA==", rangeEnd: "AA==", target: "VERSION", version: 1 }, true],
  ])("comparing %o is %s", async (compare, succeeded) => {
    const app = new EtcdApp();
    await app.put("a", "1");
    expect((await app.call("kv/txn", { compare: [{ key: a, ...compare }] })).body["succeeded"]).toBe(succeeded);
  });

  test("tells in each header inside where the store stood there", async () => {
    const app = new EtcdApp();
    const nested = { request_txn: { success: [get("a"), { request_delete_range: { key: base64("x") } }] } };
    const { body } = await app.call("kv/txn", { success: [get("a"), put("b", "1"), nested, get("a")] });
    expect(body["responses"]).toEqual([
      { response_range: { header: { revision: "1" } } },
      { response_put: { header: { revision: "2" } } },
      {
        response_txn: {
          header: {},
          succeeded: true,
          responses: [
            { response_range: { header: { revision: "2" } } },
            { response_delete_range: { header: { revision: "2" } } },
          ],
        },
      },
      { response_range: { header: { revision: "2" } } },
    ]);
  });

  const nest = (depth: number): object =>
    depth === 0 ? put("a", "1") : { request_txn: { success: [nest(depth - 1)] } };

  test.each([
    [{ success: [put("a", "1"), put("a", "2")] }, 400, 3, "etcdserver: duplicate key given in txn request"],
    [{ success: [{}] }, 400, 3, "etcdserver: key not found"],
    [{ success: [{ request_put: {} }] }, 400, 3, "etcdserver: key is not provided"],
    [{ compare: [{}] }, 400, 3, "etcdserver: key is not provided"],
    [
      { success: [put("a", "1"), { request_range: { key: a, revision: 99 } }] },
      400,
      11,
      expect.stringContaining("future"),
    ],
    [{ failure: [{ request_put: { key: a, ignore_value: true, value: a } }] }, 400, 3, "etcdserver: value is provided"],
    [
      { success: Array.from({ length: 129 }, (_, at) => put(`${at}`, "")) },
      400,
      3,
      expect.stringContaining("too many"),
    ],
    [{ compare: Array.from({ length: 129 }, () => ({ key: a })) }, 400, 3, expect.stringContaining("too many")],
    [{ success: [nest(8)] }, 400, 3, expect.stringContaining("too many")],
    [
      { success: [{ request_txn: { success: Array.from({ length: 128 }, () => get("a")) } }] },
      400,
      3,
      "etcdserver: too many operations in txn request",
    ],
  ])("%j is refused, and nothing of it is done", async (request, ...error) => {
    const app = new EtcdApp();
    expect(told(await app.call("kv/txn", request))).toEqual(error);
    expect(await app.revision()).toBe(1);
  });

  test("has as many operations, and nests as deep, as it may", async () => {
    const app = new EtcdApp();
    const many = Array.from({ length: 128 }, (_, at) => put(`${at}`, ""));
    expect((await app.call("kv/txn", { success: many })).body["responses"]).toHaveLength(128);
    expect((await app.call("kv/txn", { success: [nest(7)] })).status).toBe(200);
  });

  test("takes the last of several operations that stand for one", async () => {
    const app = new EtcdApp();
    const { body } = await app.call("kv/txn", { success: [{ ...put("a", "1"), ...get("a") }] });
    expect(body["responses"]).toEqual([{ response_range: { header: { revision: "1" } } }]);
  });
});

describe("a compaction", () => {
  test("of a store without any goes well, and can't be repeated", async () => {
    const app = new EtcdApp();
    await app.put("a", "1");
    await app.put("a", "2");
    expect((await app.call("kv/compaction")).status).toBe(200);
    expect((await app.call("kv/compaction", { revision: "3", physical: true })).body).toEqual({});
    const compacted = [400, 11, "etcdserver: mvcc: required revision has been compacted"];
    expect(told(await app.call("kv/compaction", { revision: 3 }))).toEqual(compacted);
    const future = [400, 11, "etcdserver: mvcc: required revision is a future revision"];
    expect(told(await app.call("kv/compaction", { revision: 4 }))).toEqual(future);
  });
});
