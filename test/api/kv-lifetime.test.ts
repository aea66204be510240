/** How long keys live, and the metadata beside their values. */

import { describe, expect, test } from "vitest";
import { failure, TestClient } from "./client.ts";

interface ItemBody {
  readonly lease?: string;
  readonly metadata?: unknown;
  readonly value?: string;
}

const now = Date.now();
const hourMs = 3_600_000;

async function item(client: TestClient, key: string): Promise<ItemBody> {
  return await (await client.get(`/v1/kv/${key}?format=json`)).json<ItemBody>();
}

async function ttlOf(client: TestClient, key: string): Promise<number> {
  const { lease } = await item(client, key);
  const response = await client.get(`/v1/leases/${lease}`);
  return (await response.json<{ granted_ttl_ms: number }>()).granted_ttl_ms;
}

describe("a key with a time to live", () => {
  test.each([
    ["ttl=30s", 30_000],
    ["ttl=30", 30_000],
    ["ttl=1500ms", 1500],
    ["ttl=5m", 300_000],
    ["ttl=1h", hourMs],
    ["ttl=2d", 48 * hourMs],
    ["ttl=9000000000", 9_000_000_000_000],
  ])("%s lives for %d ms", async (query, ttlMs) => {
    const client = new TestClient();
    const response = await client.put(`/v1/kv/a?${query}`, "1");
    const { lease } = await response.json<ItemBody>();
    expect([response.status, lease]).toEqual([201, (await item(client, "a")).lease]);
    expect((await client.get("/v1/kv/a")).headers.get("x-raft-lease")).toBe(lease);
    expect(await ttlOf(client, "a")).toBe(ttlMs);
  });

  test.each([
    ["RFC 3339", new Date(now + hourMs).toISOString()],
    ["RFC 3339 in another zone", new Date(now + 3 * hourMs).toISOString().replace("Z", "%2B02:00")],
    ["milliseconds", String(now + hourMs)],
  ])("lives until a moment: %s", async (_, moment) => {
    const client = new TestClient();
    expect((await client.put(`/v1/kv/a?expires_at=${moment}`, "1")).status).toBe(201);
    const ttlMs = await ttlOf(client, "a");
    expect(Math.abs(ttlMs - hourMs)).toBeLessThan(60_000);
  });

  test("lives as long as a lease, and on after another put that names none", async () => {
    const client = new TestClient();
    const granted = await client.send("POST", "/v1/leases?ttl=60s");
    const { id } = await granted.json<{ id: string }>();
    await client.put(`/v1/kv/a?lease=${id}`, "1");
    expect((await item(client, "a")).lease).toBe(id);
    await client.put("/v1/kv/a?keep_lease=true", "2");
    expect(await item(client, "a")).toMatchObject({ lease: id, value: "2" });
    await client.put("/v1/kv/a", "3");
    expect((await item(client, "a")).lease).toBeUndefined();
  });

  test("keeps it when it is incremented", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a?ttl=1h", "1");
    await client.send("POST", "/v1/kv/a/increment");
    expect(await item(client, "a")).toMatchObject({ value: "2" });
    expect(await ttlOf(client, "a")).toBe(hourMs);
  });

  test.each([
    ["ttl=", 400, "invalid_parameter"],
    ["ttl=0", 400, "invalid_parameter"],
    ["ttl=-5s", 400, "invalid_parameter"],
    ["ttl=1.5s", 400, "invalid_parameter"],
    ["ttl=soon", 400, "invalid_parameter"],
    ["ttl=9000000001", 400, "invalid_parameter"],
    ["ttl=99999999999999999999", 400, "invalid_parameter"],
    ["expires_at=2020-01-01T00:00:00Z", 400, "invalid_parameter"],
    [`expires_at=${now - 1}`, 400, "invalid_parameter"],
    ["expires_at=2099-01-01", 400, "invalid_parameter"],
    ["expires_at=2099-01-01T00:00:00", 400, "invalid_parameter"],
    ["expires_at=2099-13-01T00:00:00Z", 400, "invalid_parameter"],
    ["expires_at=2099-02-30T00:00:00Z", 400, "invalid_parameter"],
    ["expires_at=9999-01-01T00:00:00Z", 400, "invalid_parameter"],
    ["lease=0", 400, "invalid_parameter"],
    ["lease=7f", 400, "invalid_parameter"],
    ["lease=9223372036854775808", 400, "invalid_parameter"],
    ["lease=77", 404, "lease_not_found"],
    ["ttl=5&lease=7", 400, "invalid_parameter"],
    ["ttl=5&expires_at=2099-01-01T00:00:00Z", 400, "invalid_parameter"],
    ["ttl=5&keep_lease=true", 400, "invalid_parameter"],
    ["keep_lease=maybe", 400, "invalid_parameter"],
    ["keep_lease=true", 404, "key_not_found"],
  ])("is refused as %s, and then there is none", async (query, status, code) => {
    const client = new TestClient();
    expect(await failure(await client.put(`/v1/kv/a?${query}`, "1"))).toEqual({ status, code, ambiguous: false });
    expect((await client.get("/v1/kv/a")).status).toBe(404);
  });

  test("that ends at a moment is the same request when it is sent again", async () => {
    const client = new TestClient();
    const path = `/v1/kv/a?expires_at=${new Date(now + hourMs).toISOString()}`;
    const headers = { "idempotency-key": "once" };
    const first = await client.put(path, "1", headers);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await client.put(path, "1", headers);
    expect([second.status, await second.json()]).toEqual([201, await first.json()]);
    const other = await client.put(`/v1/kv/a?expires_at=${now + hourMs + 1}`, "1", headers);
    expect(await failure(other)).toMatchObject({ code: "idempotency_key_reused" });
  });
});

describe("metadata", () => {
  const put = (client: TestClient, metadata: string): Promise<Response> =>
    client.put("/v1/kv/a", "1", { "x-raft-metadata": metadata });

  test.each(['{"owner": "me", "tags": [1, null]}', '"\\u00fc\\u20ac"', "7", "false", `"${"x".repeat(1022)}"`])(
    "comes back as it was given: %j",
    async (metadata) => {
      const client = new TestClient();
      await put(client, metadata);
      expect((await client.get("/v1/kv/a")).headers.get("x-raft-metadata")).toBe(metadata);
      expect((await client.send("HEAD", "/v1/kv/a")).headers.get("x-raft-metadata")).toBe(metadata);
      const parsed: unknown = JSON.parse(metadata);
      expect((await item(client, "a")).metadata).toEqual(parsed);
      const shown = await client.get("/v1/kv?metadata=true&keys_only=true");
      expect(await shown.json()).toMatchObject({ items: [{ metadata: parsed }] });
      const hidden = await (await client.get("/v1/kv")).json<{ items: readonly ItemBody[] }>();
      expect(hidden.items[0]).not.toHaveProperty("metadata");
    },
  );

  test.each(["", "null", " "])("of %j is none", async (metadata) => {
    const client = new TestClient();
    await put(client, '{"old":1}');
    await put(client, metadata);
    expect((await client.get("/v1/kv/a")).headers.has("x-raft-metadata")).toBe(false);
    expect(await item(client, "a")).not.toHaveProperty("metadata");
  });

  test.each(["{", "{a:1}", "ü", '"ü"', `"${"x".repeat(1023)}"`])(
    "is refused as %j, and nothing is put",
    async (text) => {
      const client = new TestClient();
      expect(await failure(await put(client, text))).toMatchObject({ status: 400, code: "invalid_header" });
      expect((await client.get("/v1/kv/a")).status).toBe(404);
    },
  );

  test("goes with the value that it stood beside", async () => {
    const client = new TestClient();
    await put(client, '{"v":1}');
    await client.put("/v1/kv/a", "2");
    expect(await item(client, "a")).not.toHaveProperty("metadata");
    expect(await (await client.get("/v1/kv/a?revision=2&format=json")).json()).toMatchObject({ metadata: { v: 1 } });
  });
});
