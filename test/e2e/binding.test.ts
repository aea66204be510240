/** The store as another Worker of the same account uses it: over RPC, with errors that tell, and watches that outlive nodes. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import type { LocalCluster } from "../../scripts/lib/local-cluster.ts";

let statePath: string;
let cluster: LocalCluster;
let consumer: URL;

beforeAll(async () => {
  statePath = mkdtempSync(join(tmpdir(), "durable-raft-binding-"));
  const service = { worker: "durable-raft", exportName: "Raft" };
  const services = { RAFT: service, OTHER: { ...service, props: { group: "other", timeoutMs: 5000 } } };
  const shared = { entry: "test/support/raft-consumer.ts", services };
  cluster = await startLocalCluster({
    statePath,
    entry: "test/support/worker.ts",
    companions: [
      { ...shared, name: "consumer", compatibilityDate: "2026-10-01" },
      { ...shared, name: "old-consumer", compatibilityDate: "2025-01-01" },
    ],
  });
  await cluster.untilReady(30_000);
  consumer = await cluster.addressOf("consumer");
});

afterAll(async () => {
  await cluster.stop();
  rmSync(statePath, { recursive: true });
});

type Answer = { readonly returned?: unknown; readonly threw?: Readonly<Record<string, unknown>> };

async function post(path: string, body: unknown, worker = consumer): Promise<Response> {
  return await fetch(new URL(path, worker), { method: "POST", body: JSON.stringify(body) });
}

async function call(method: string, ...parameters: unknown[]): Promise<Answer> {
  return (await (await post("/call", { binding: "RAFT", method, parameters })).json()) as Answer;
}

/** What a call gives. */
async function given(method: string, ...parameters: unknown[]): Promise<unknown> {
  const answer = await call(method, ...parameters);
  expect(answer.threw).toBeUndefined();
  return answer.returned;
}

async function code(method: string, ...parameters: unknown[]): Promise<unknown> {
  return (await call(method, ...parameters)).threw?.["code"];
}

async function crash(node: string): Promise<void> {
  const object = await cluster.object(node);
  await object.fetch("https://node.internal/test/crash").then(
    () => expect.unreachable(),
    () => undefined,
  );
}

const bytes = (text: string): { readonly bytes: readonly number[] } => ({ bytes: [...new TextEncoder().encode(text)] });

describe("keys", () => {
  test("are put, read, listed and deleted", async () => {
    const put = await given("put", "k/1", "one", { contentType: "text/plain", metadata: { note: ["ü"] } });
    expect(put).toMatchObject({ created: true, version: 1, lease: null, previous: null });
    const { modRevision } = put as { modRevision: number };
    expect(await given("get", "k/1")).toEqual({
      key: "k/1",
      keyBytes: bytes("k/1"),
      value: bytes("one"),
      valueBytes: 3,
      contentType: "text/plain",
      metadata: { note: ["ü"] },
      createRevision: modRevision,
      modRevision,
      version: 1,
      lease: null,
    });
    expect(await given("getText", "k/1")).toBe("one");
    expect(await given("put", "k/2", '{"x":[1]}')).toMatchObject({ created: true });
    expect(await given("getJson", "k/2")).toEqual({ x: [1] });
    expect(await given("get", "k/0")).toBeNull();
    expect(await given("getText", "k/0")).toBeNull();
    expect(await given("put", "k/empty", "")).toMatchObject({ created: true });
    expect(await given("getText", "k/empty")).toBe("");
    expect(await given("getMany", ["k/2", "k/0", "k/1"])).toMatchObject([{ key: "k/2" }, null, { key: "k/1" }]);
    const page = (await given("list", { prefix: "k/", limit: 2, keysOnly: true })) as {
      cursor: string;
      revision: number;
    };
    expect(page).toMatchObject({ entries: [{ key: "k/1", value: null }, { key: "k/2" }], commonPrefixes: [] });
    expect(await given("list", { prefix: "k/", cursor: page.cursor })).toMatchObject({
      entries: [{ key: "k/empty" }],
      cursor: null,
    });
    expect(await given("list", { delimiter: "/", prefix: "" })).toMatchObject({ commonPrefixes: ["k/"] });
    expect(await given("list", { prefix: "k/", reverse: true, limit: 1 })).toMatchObject({
      entries: [{ key: "k/empty" }],
    });
    expect(await given("delete", "k/1", { previous: true })).toMatchObject({
      deleted: 1,
      previous: [{ value: bytes("one") }],
    });
    expect(await given("list", { prefix: "k/", limit: 1, revision: page.revision })).toMatchObject({
      entries: [{ key: "k/1", value: bytes("one") }],
    });
    expect(await given("delete", "k/1")).toMatchObject({ deleted: 0, previous: [] });
    expect(await given("deleteMany", { prefix: "k/" })).toMatchObject({ deleted: 2 });
  });

  test("and values may be any bytes", async () => {
    const key = { bytes: [255, 0, 128] };
    await given("put", key, { bytes: [254, 0] });
    expect(await given("get", key)).toMatchObject({
      key: "\ufffd\u0000\ufffd",
      keyBytes: key,
      value: { bytes: [254, 0] },
    });
  });

  test("are written on conditions", async () => {
    const { modRevision } = (await given("put", "c", "1", { ifAbsent: true })) as { modRevision: number };
    const refused = await call("put", "c", "2", { ifAbsent: true });
    expect(refused.threw).toMatchObject({
      name: "RaftError",
      code: "precondition_failed",
      ambiguous: false,
      facts: { mod_revision: modRevision },
      message: `precondition_failed: The key's revision is ${modRevision}.`,
    });
    expect(await given("put", "c", "2", { ifRevision: modRevision, previous: true })).toMatchObject({
      created: false,
      previous: { value: bytes("1") },
    });
    expect(await code("delete", "c", { ifRevision: modRevision })).toBe("precondition_failed");
    expect(await given("delete", "c", { ifPresent: true })).toMatchObject({ deleted: 1 });
    expect(await code("delete", "c", { ifPresent: true })).toBe("precondition_failed");
    expect(await code("put", "c", "3", { ifAbsent: true, ifPresent: true })).toBe("invalid_header");
  });

  test("live as long as they are told to", async () => {
    expect(await given("put", "t", "1", { ttlMs: 60_000 })).toMatchObject({ lease: expect.any(String) as string });
    expect(await given("put", "t", "2", { keepLease: true })).toMatchObject({ lease: expect.any(String) as string });
    expect(await given("put", "t", "3")).toMatchObject({ lease: null });
    expect(await given("put", "t", "4", { expiresAt: { date: Date.now() + 60_000 } })).toMatchObject({
      lease: expect.any(String) as string,
    });
    expect(await code("put", "t", "5", { expiresAt: { date: 0 } })).toBe("invalid_body");
    const lease = (await given("grantLease", 60_000)) as { id: string; ttlMs: number };
    expect(lease.ttlMs).toBe(60_000);
    expect(await given("put", "t", "6", { lease: lease.id })).toMatchObject({ lease: lease.id });
    expect(await given("keepAlive", lease.id)).toBe(60_000);
    await given("revokeLease", lease.id);
    expect(await given("get", "t")).toBeNull();
    expect(await code("keepAlive", lease.id)).toBe("lease_not_found");
  });

  test("are counted, once under an idempotency key", async () => {
    expect(await given("increment", "n")).toMatchObject({ value: { bigint: "1" }, created: true });
    const most = { bigint: "9223372036854775806" };
    expect(await given("increment", "n", most)).toMatchObject({ value: { bigint: "9223372036854775807" } });
    expect(await code("increment", "n", 1)).toBe("number_overflow");
    const once = { idempotencyKey: "count-1" };
    expect(await given("increment", "m", 5, once)).toMatchObject({ value: { bigint: "5" } });
    expect(await given("increment", "m", 5, once)).toMatchObject({ value: { bigint: "5" } });
    expect(await code("increment", "m", 6, once)).toBe("idempotency_key_reused");
  });

  test("of another group are another binding's", async () => {
    await given("put", "mine", "1");
    const answer = await post("/call", { binding: "OTHER", method: "get", parameters: ["mine"] });
    expect(await answer.json()).toEqual({ returned: null });
  });
});

test("a transaction does all or nothing, in the words of the REST API", async () => {
  const txn = {
    if: [{ key: "x", exists: false }],
    success: [
      { put: { key: "x", value: { bytes: [1] }, ttlMs: 60_000 } },
      { get: { key: "x" } },
      { increment: { key: "y", by: 2 } },
    ],
    failure: [{ get: { prefix: "x", sort: "modRevision", keysOnly: true } }, { delete: { key: "x", previous: true } }],
  };
  expect(await given("txn", txn)).toMatchObject({
    succeeded: true,
    results: [
      { kind: "put", created: true, previous: null },
      { kind: "get", entries: [{ key: "x", value: { bytes: [1] } }], count: 1, more: false },
      { kind: "increment", value: { bigint: "2" } },
    ],
  });
  expect(await given("txn", txn)).toMatchObject({
    succeeded: false,
    results: [
      { kind: "get", entries: [{ value: null }] },
      { kind: "delete", deleted: 1, previous: [{ value: { bytes: [1] } }] },
    ],
  });
  const nested = {
    success: [
      { txn: { if: [{ key: "x", target: "createRevision", to: 0 }], success: [{ put: { key: "z", value: "" } }] } },
    ],
  };
  expect(await given("txn", nested)).toMatchObject({
    results: [{ kind: "txn", succeeded: true, results: [{ kind: "put" }] }],
  });
});

test("compare-and-swap of many clients loses nothing", async () => {
  await given("put", "account/a", "100");
  await given("put", "account/b", "0");
  const attempts = await Promise.all(Array.from({ length: 12 }, async () => (await post("/bank", {})).json()));
  expect(attempts).toHaveLength(12);
  expect(await given("getText", "account/a")).toBe("88");
  expect(await given("getText", "account/b")).toBe("12");
});

test("a lock lets one client in after the other, with rising tokens", async () => {
  const outcomes = (await Promise.all(Array.from({ length: 8 }, async () => (await post("/lock", {})).json()))) as {
    held: boolean;
    token: number;
    released: boolean;
  }[];
  expect(outcomes.every(({ held, released }) => held && released)).toBe(true);
  expect(new Set(outcomes.map(({ token }) => token)).size).toBe(8);
  expect(await given("getText", "counted")).toBe("8");
  expect(await given("lockHolder", "counter")).toBeNull();
});

test("locks and elections are held, renewed, and given up", async () => {
  const held = (await given("lock", "l", { value: "me", ttlMs: 5000 })) as { token: number; lease: string };
  expect(await given("lock", "l", { waitMs: 20 })).toEqual({ held: false, ahead: 1 });
  expect(await given("lockHolder", "l")).toMatchObject({ token: held.token, value: bytes("me") });
  expect(await given("renewLock", "l", { token: held.token })).toBe(5000);
  expect(await given("unlock", "l", { lease: held.lease })).toBe(true);
  expect(await given("unlock", "l", { lease: held.lease })).toBe(false);
  expect(await code("renewLock", "l", { token: held.token })).toBe("lock_not_held");
  const leader = (await given("campaign", "e", { value: "one" })) as { token: number };
  await given("proclaim", "e", { token: leader.token }, "uno");
  expect(await given("leader", "e")).toMatchObject({ value: bytes("uno") });
  expect(await given("resign", "e", { token: leader.token })).toBe(true);
  expect(await code("proclaim", "e", { token: leader.token }, "due")).toBe("not_elected");
  expect(await given("leader", "e")).toBeNull();
});

test.each([
  ["get", [""], "invalid_key"],
  ["get", [7], "invalid_key"],
  ["get", ["a", { consistency: "eventual" }], "invalid_body"],
  ["get", ["a", { maxStalenessMs: 5 }], "invalid_body"],
  ["get", ["a", { node: "n9" }], "invalid_parameter"],
  ["getMany", ["a"], "invalid_body"],
  ["getMany", [Array.from({ length: 101 }, () => "a")], "invalid_body"],
  ["put", ["a", { not: "a value" }], "invalid_body"],
  ["put", ["a", "1", { metadata: "x".repeat(1024) }], "invalid_body"],
  ["put", ["a", "1", { ttlMs: -1 }], "invalid_body"],
  ["put", ["a", "1", { lease: "7", ttlMs: 5 }], "invalid_body"],
  ["put", ["a", "1", { lease: "7" }], "lease_not_found"],
  ["put", ["a", "1", { unknown: true }], "invalid_body"],
  ["put", ["a", "1", { idempotencyKey: "" }], "invalid_body"],
  ["put", ["x".repeat(2049), "1"], "invalid_key"],
  ["put", ["a", "x".repeat(1024 * 1024 + 1)], "invalid_body"],
  ["list", [{ limit: 0 }], "invalid_body"],
  ["list", [{ cursor: "?" }], "invalid_body"],
  ["list", [{ revision: 99_999 }], "future_revision"],
  ["deleteMany", [{}], "invalid_body"],
  ["deleteMany", [{ prefix: "" }], "invalid_body"],
  ["increment", ["a", 1.5], "invalid_body"],
  ["txn", [{ success: [{ put: { key: "a", value: "1" } }, { put: { key: "a", value: "2" } }] }], "duplicate_key"],
  ["txn", [{ success: [{ unknown: {} }] }], "invalid_body"],
  ["txn", ["nonsense"], "invalid_body"],
  ["watch", [{ key: "a", from: -1 }], "invalid_body"],
  ["watch", [{ key: "a", after: "x" }], "invalid_body"],
  ["watch", [{}], "invalid_body"],
  ["grantLease", [0], "invalid_body"],
  ["grantLease", [1000, { id: "0" }], "invalid_body"],
  ["keepAlive", ["x"], "invalid_body"],
  ["lock", ["", {}], "invalid_name"],
  ["lock", ["a", { ttlMs: 999 }], "invalid_body"],
  ["lock", ["a", { waitMs: 600_001 }], "invalid_body"],
  ["unlock", ["a", {}], "invalid_body"],
] as const)("%s throws for what makes no sense, and changes nothing (%$)", async (method, parameters, expected) => {
  const before = ((await given("list", { limit: 1 })) as { revision: number }).revision;
  const { threw } = await call(method, ...parameters);
  expect(threw).toMatchObject({ name: "RaftError", code: expected, ambiguous: false, leaks: false });
  expect(((await given("list", { limit: 1 })) as { revision: number }).revision).toBe(before);
});

test("a Worker with an old compatibility date still learns the code", async () => {
  const old = await cluster.addressOf("old-consumer");
  const answer = await post("/call", { binding: "RAFT", method: "keepAlive", parameters: ["7"] }, old);
  const { threw } = (await answer.json()) as Answer;
  expect(threw?.["message"]).toMatch(/^(?:RaftError: )?lease_not_found: /);
});

describe("a watch", () => {
  async function follow(options: object): Promise<{ next(): Promise<Record<string, unknown>>; end(): Promise<void> }> {
    const response = await post("/watch", options);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = "";
    return {
      next: async () => {
        while (!text.includes("\n")) {
          const { done, value } = await reader.read();
          if (done) throw new Error("the watch has ended");
          text += decoder.decode(value, { stream: true });
        }
        const line = text.slice(0, text.indexOf("\n"));
        text = text.slice(line.length + 1);
        return JSON.parse(line) as Record<string, unknown>;
      },
      end: () => reader.cancel(),
    };
  }

  test("that is forgotten ends with the Worker that opened it", async () => {
    const streams = async (): Promise<number> => {
      const text = await (await fetch(new URL("/metrics", cluster.url))).text();
      const values = [...text.matchAll(/^durable_raft_subscribers\{[^}]*\} (\d+)$/gm)].map(([, value]) =>
        Number(value),
      );
      expect(values.length).toBeGreaterThan(0);
      return values.reduce((sum, value) => sum + value, 0);
    };
    await vi.waitFor(async () => expect(await streams()).toBe(0), { timeout: 5000 });
    const answers = await Promise.all([1, 2, 3].map(async () => (await post("/forget", {})).json()));
    expect(answers).toEqual([true, true, true]);
    await vi.waitFor(async () => expect(await streams()).toBe(0), { timeout: 5000 });
  });

  test("tells every change once, while every node crashes in turn", async () => {
    const watch = await follow({ prefix: "w/", previous: true });
    const expected: string[] = [];
    const seen: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      if (round % 5 === 2) await crash(`n${(((round / 5) | 0) % 3) + 1}`);
      const { modRevision } = (await given("put", `w/${round % 4}`, String(round), {
        idempotencyKey: `w-${round}`,
      })) as { modRevision: number };
      expected.push(`${modRevision} ${round}`);
    }
    while (seen.length < expected.length) {
      const message = await watch.next();
      expect(message["type"]).toBe("changes");
      for (const { entry } of message["changes"] as { entry: { modRevision: number; value: { bytes: number[] } } }[]) {
        seen.push(`${entry.modRevision} ${String.fromCharCode(...entry.value.bytes)}`);
      }
    }
    expect(seen).toEqual(expected);
    await watch.end();
  });

  test("goes on behind a change that was seen", async () => {
    const first = (await given("put", "v", "1")) as { modRevision: number };
    await given("put", "v", "2");
    const watch = await follow({ key: "v", from: first.modRevision });
    const { changes } = (await watch.next()) as { changes: { id: string; entry: { value: unknown } }[] };
    expect(changes[0]).toMatchObject({ id: String(first.modRevision), entry: { value: bytes("1") } });
    const rest = await follow({ key: "v", after: changes[0]?.id });
    expect(await rest.next()).toMatchObject({ changes: [{ entry: { value: bytes("2") } }] });
    await watch.end();
    await rest.end();
  });
});
