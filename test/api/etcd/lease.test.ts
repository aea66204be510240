/** etcd's Lease, Lock and Election services over HTTP. */

import { describe, expect, test } from "vitest";
import { base64, EtcdApp, told } from "./etcd-app.ts";
import type { Json } from "./etcd-app.ts";

const notFound = [404, 5, "etcdserver: requested lease not found"];

describe("a lease", () => {
  test.each([
    [
      { TTL: 60, ID: "77" },
      { ID: "77", TTL: "60" },
    ],
    [
      { TTL: "60", ID: -5 },
      { ID: "-5", TTL: "60" },
    ],
    [
      { TTL: 60, ID: "-9223372036854775808" },
      { ID: "-9223372036854775808", TTL: "60" },
    ],
    [
      { TTL: 0, ID: 1 },
      { ID: "1", TTL: "2" },
    ],
    [
      { TTL: -10, ID: 1 },
      { ID: "1", TTL: "2" },
    ],
    [
      { ttl: 100, ID: 1 },
      { ID: "1", TTL: "2" },
    ],
    [
      { TTL: 9_000_000_000, ID: 1 },
      { ID: "1", TTL: "9000000000" },
    ],
  ])("asked for as %j is granted", async (request, granted) => {
    expect((await new EtcdApp().call("lease/grant", request)).body).toEqual(granted);
  });

  test("that may have any id has one that is safe in a double", async () => {
    const { body } = await new EtcdApp().call("lease/grant", { TTL: 60 });
    expect(Number.isSafeInteger(Number(body["ID"])) && body["ID"] !== "0").toBe(true);
  });

  test("with an id beyond 2^53 keeps every digit, as a bare number too", async () => {
    const app = new EtcdApp();
    const id = "2324035515505337393";
    await app.call("lease/grant", `{"TTL":60,"ID":${id}}`);
    expect((await app.call("kv/put", `{"key":"YQ==","lease":${id}}`)).status).toBe(200);
    expect((await app.call("lease/timetolive", `{"ID":${id},"keys":true}`)).body).toEqual({
      ID: id,
      TTL: "60",
      grantedTTL: "60",
      keys: ["YQ=="],
    });
    expect((await app.call("lease/leases")).body).toEqual({ leases: [{ ID: id }] });
  });

  test.each(["lease/revoke", "kv/lease/revoke"])("is revoked by %s, with its keys", async (method) => {
    const app = new EtcdApp();
    await app.call("lease/grant", { TTL: 60, ID: 7 });
    await app.put("a", "1", { lease: 7 });
    expect(await app.call(method, { ID: 7 })).toEqual({ status: 200, body: {} });
    expect([await app.value("a"), await app.revision()]).toEqual([undefined, 3]);
    expect(told(await app.call(method, { ID: 7 }))).toEqual(notFound);
    expect(told(await app.call(method, {}))).toEqual(notFound);
  });

  test("ends by itself, never before its time", async () => {
    const app = new EtcdApp();
    await app.call("lease/grant", { TTL: 10, ID: 7 });
    await app.put("a", "1", { lease: 7 });
    app.group.advance(9_999);
    expect([await app.value("a"), (await app.call("kv/lease/timetolive", { ID: 7 })).body["TTL"]]).toEqual(["1", "10"]);
    app.group.advance(2);
    expect(await app.value("a")).toBeUndefined();
    expect((await app.call("lease/timetolive", { ID: "7" })).body).toEqual({ ID: "7", TTL: "-1" });
    expect((await app.call("kv/lease/leases")).body).toEqual({});
  });

  test("is kept alive by each message of a stream, which ends with them", async () => {
    const app = new EtcdApp();
    await app.call("lease/grant", { TTL: 10, ID: 7 });
    app.group.advance(9_000);
    const lines = await (await app.stream("lease/keepalive", '{"ID":7}{"ID":"8"}\n{"ID":7}')).all();
    expect(lines.map(({ ID, TTL }) => ({ ID, ...(TTL !== undefined && { TTL }) }))).toEqual([
      { ID: "7", TTL: "10" },
      { ID: "8" },
      { ID: "7", TTL: "10" },
    ]);
    app.group.advance(9_000);
    expect((await app.call("lease/timetolive", { ID: 7 })).body["TTL"]).not.toBe("-1");
  });

  test("can't be granted twice, nor for longer than etcd grants one", async () => {
    const app = new EtcdApp();
    await app.call("lease/grant", { TTL: 60, ID: 7 });
    const exists = [412, 9, "etcdserver: lease already exists"];
    expect(told(await app.call("lease/grant", { TTL: 60, ID: 7 }))).toEqual(exists);
    const tooLong = [400, 11, "etcdserver: too large lease TTL"];
    expect(told(await app.call("lease/grant", { TTL: 9_000_000_001 }))).toEqual(tooLong);
  });
});

describe("a lock", () => {
  const name = base64("jobs");

  test("is held under a key of its own, by one after the other", async () => {
    const app = new EtcdApp();
    await app.call("lease/grant", { TTL: 60, ID: "255" });
    const first = await app.call("lock/lock", { name, lease: 255 });
    expect(first).toEqual({ status: 200, body: { key: base64("jobs/ff") } });
    expect(await app.call("lock/lock", { name, lease: "255" })).toEqual(first);
    const second = app.call("lock/lock", { name });
    const isOver = await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 50, "waits"))]);
    expect(isOver).toBe("waits");
    expect(await app.call("lock/unlock", { key: first.body["key"] })).toEqual({ status: 200, body: {} });
    expect(atob(String((await second).body["key"]))).toMatch(/^jobs\/./);
  });

  test("that comes without a lease lives for a minute", async () => {
    const app = new EtcdApp();
    await app.call("lock/lock", { name });
    const { kvs } = (await app.call("kv/range", { key: "AA==", range_end: "AA==" })).body as { kvs: Json[] };
    expect((await app.call("lease/timetolive", { ID: kvs[0]!["lease"] })).body).toMatchObject({ grantedTTL: "60" });
    app.group.advance(30_000);
    const waiting = app.call("lock/lock", { name });
    await new Promise((resolve) => setTimeout(resolve, 20));
    app.group.advance(30_001);
    expect((await waiting).status).toBe(200);
  });

  test("loses from its line whoever leaves", async () => {
    const app = new EtcdApp();
    await app.call("lock/lock", { name });
    const line = async (): Promise<unknown> =>
      (await app.call("kv/range", { key: base64("jobs/"), range_end: base64("jobs0"), count_only: true })).body[
        "count"
      ];
    const controller = new AbortController();
    const leaving = app.call("lock/lock", { name }, { signal: controller.signal });
    await expect.poll(line).toBe("2");
    controller.abort();
    expect((await leaving).status).not.toBe(200);
    await expect.poll(line).toBe("1");
  });

  test("can be given up twice", async () => {
    const app = new EtcdApp();
    const { key } = (await app.call("lock/lock", { name })).body;
    for (let time = 0; time < 2; time++) expect((await app.call("lock/unlock", { key })).status).toBe(200);
  });

  test.each([
    ["lock/lock", { name, lease: 99 }, 500, 2, "etcdserver: requested lease not found"],
    ["lock/lock", { name: base64("n".repeat(2048)) }, 400, 3, "etcdserver: request is too large"],
    ["lock/unlock", {}, 500, 2, "etcdserver: key is not provided"],
  ])("%s %j is refused", async (method, request, ...error) => {
    const app = new EtcdApp();
    expect(told(await app.call(method, request))).toEqual(error);
    expect(await app.revision()).toBe(1);
  });
});

describe("an election", () => {
  const name = base64("boss");
  const lead = async (app: EtcdApp, ID: number, value: string): Promise<Json> => {
    await app.call("lease/grant", { TTL: 60, ID });
    return (await app.call("election/campaign", { name, lease: ID, value: base64(value) })).body["leader"] as Json;
  };

  test("has one leader, who proclaims and resigns", async () => {
    const app = new EtcdApp();
    const leader = await lead(app, 10, "one");
    expect(leader).toEqual({ name, key: base64("boss/a"), rev: "2", lease: "10" });
    expect((await app.call("election/proclaim", { leader, value: base64("two") })).status).toBe(200);
    expect((await app.call("election/leader", { name })).body).toEqual({
      kv: {
        key: base64("boss/a"),
        create_revision: "2",
        mod_revision: "3",
        version: "2",
        value: base64("two"),
        lease: "10",
      },
    });
    for (let time = 0; time < 2; time++) expect((await app.call("election/resign", { leader })).status).toBe(200);
    expect(told(await app.call("election/leader", { name }))).toEqual([500, 2, "election: no leader"]);
    expect(told(await app.call("election/proclaim", { leader }))).toEqual([500, 2, "election: not leader"]);
  });

  test.each(["proclaim", "resign"])("%s needs to be told which leader", async (method) => {
    const reply = await new EtcdApp().call(`election/${method}`);
    expect(told(reply)).toEqual([500, 2, '"leader" field must be provided']);
  });

  test("is observed from the present leader on", async () => {
    const app = new EtcdApp();
    const leader = await lead(app, 10, "one");
    const observed = await app.stream("election/observe", { name });
    const next = async (): Promise<unknown> => {
      const { kv } = (await observed.next()) as { kv: Json };
      return [kv["key"], kv["version"], atob(String(kv["value"]))];
    };
    expect(await next()).toEqual([base64("boss/a"), "1", "one"]);
    await app.call("election/proclaim", { leader, value: base64("two") });
    expect(await next()).toEqual([base64("boss/a"), "2", "two"]);
    const second = lead(app, 11, "three");
    await app.call("election/resign", { leader });
    await second;
    expect(await next()).toEqual([base64("boss/b"), "1", "three"]);
    await observed.cancel();
  });
});
