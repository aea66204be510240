/** A Worker that was written for Workers KV and knows of nothing else: it does the same with whatever is bound. */

/** Every step, in order, with what came of it: in words that two namespaces can be compared by. */
type Step = readonly [name: string, run: (kv: KVNamespace) => unknown];

interface ConsumerEnv {
  readonly WORKERS_KV: KVNamespace;
  readonly RAFT_KV: KVNamespace;
  readonly OTHER_KV: KVNamespace;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.of(...values);
const soon = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
/** As a Worker does that is not checked by a compiler. */
const unchecked = (kv: KVNamespace): Record<string, (...parameters: unknown[]) => Promise<unknown>> => kv as never;

const steps: readonly Step[] = [
  ["put text", (kv) => kv.put("a", "text")],
  ["put json", (kv) => kv.put("b", '{"x":1}', { metadata: { m: [1, 2] }, expirationTtl: 600 })],
  ["put a buffer", (kv) => kv.put("c", bytes(255, 0, 1).buffer as ArrayBuffer)],
  ["put a view", (kv) => kv.put("d", bytes(1, 2, 3).subarray(1))],
  ["put a stream", (kv) => kv.put("e", new Blob(["streamed"]).stream())],
  ["put a number", (kv) => unchecked(kv)["put"]?.("f", 5)],
  ["put null", (kv) => unchecked(kv)["put"]?.("g", null)],
  ["put an object", (kv) => unchecked(kv)["put"]?.("h", { a: 1 })],
  ["put nothing", (kv) => kv.put("empty", "")],
  ["get text", (kv) => kv.get("a")],
  ["get as text", (kv) => kv.get("a", "text")],
  ["get json", (kv) => kv.get("b", "json")],
  ["get json by options", (kv) => kv.get("b", { type: "json" })],
  ["get json that is none", (kv) => kv.get("a", "json")],
  ["get no json", (kv) => kv.get("empty", "json")],
  ["get a buffer", (kv) => kv.get("c", "arrayBuffer")],
  ["get what is no text", (kv) => kv.get("c")],
  ["get a view", (kv) => kv.get("d", { type: "arrayBuffer" })],
  ["get a stream", (kv) => kv.get("e", "stream")],
  ["get a number", (kv) => kv.get("f")],
  ["get null", (kv) => kv.get("g")],
  ["get nothing", (kv) => kv.get("empty")],
  ["get nothing as a buffer", (kv) => kv.get("empty", "arrayBuffer")],
  ["get what is not there", (kv) => kv.get("missing")],
  ["get what is not there as json", (kv) => kv.get("missing", "json")],
  ["get an unknown type", (kv) => unchecked(kv)["get"]?.("a", "bogus")],
  ["get an unknown type of nothing", (kv) => unchecked(kv)["get"]?.("missing", "bogus")],
  ["get with a short cache", (kv) => kv.get("a", { cacheTtl: 10 })],
  ["get with a cache", (kv) => kv.get("a", { cacheTtl: 60 })],
  ["get no name", (kv) => kv.get("")],
  ["get a dot", (kv) => kv.get(".")],
  ["get two dots", (kv) => kv.get("..")],
  ["get a long name", (kv) => kv.get("x".repeat(513))],
  ["get the longest name", (kv) => kv.get("x".repeat(512))],
  ["get a name of two-byte characters", (kv) => kv.get("ü".repeat(257))],
  ["get a number as a name", (kv) => unchecked(kv)["get"]?.(5)],
  ["get without a name", (kv) => unchecked(kv)["get"]?.()],
  ["get with metadata", (kv) => kv.getWithMetadata("b")],
  ["get json with metadata", (kv) => kv.getWithMetadata("b", "json")],
  ["get without metadata", (kv) => kv.getWithMetadata("a")],
  ["get nothing with metadata", (kv) => kv.getWithMetadata("missing")],
  ["get many", (kv) => kv.get(["a", "b", "missing", "a"])],
  ["get many as json", (kv) => kv.get(["b", "missing"], "json")],
  ["get many as json by options", (kv) => kv.get(["b", "missing"], { type: "json" })],
  ["get many that are no json", (kv) => kv.get(["a", "b"], "json")],
  ["get many that are no text", (kv) => kv.get(["c"])],
  ["get many as buffers", (kv) => unchecked(kv)["get"]?.(["a"], "arrayBuffer")],
  ["get none", (kv) => kv.get([])],
  ["get many without a name", (kv) => kv.get([""])],
  ["get many dots", (kv) => kv.get(["."])],
  ["get too many", (kv) => kv.get(Array.from({ length: 101 }, (_, at) => `k${at}`))],
  ["get as many as may be", async (kv) => (await kv.get(Array.from({ length: 100 }, (_, at) => `k${at}`))).size],
  ["get many with metadata", (kv) => kv.getWithMetadata(["a", "b", "missing"])],
  ["get many as json with metadata", (kv) => kv.getWithMetadata(["b"], "json")],
  ["a short life", (kv) => kv.put("t", "v", { expirationTtl: 30 })],
  ["no life", (kv) => kv.put("t", "v", { expirationTtl: 0 })],
  ["a negative life", (kv) => kv.put("t", "v", { expirationTtl: -1 })],
  ["a broken life", (kv) => kv.put("t", "v", { expirationTtl: 90.5 })],
  ["a life in words", (kv) => unchecked(kv)["put"]?.("t", "v", { expirationTtl: "90" })],
  ["an end that has passed", (kv) => kv.put("t", "v", { expiration: 1000 })],
  ["a life and an end", (kv) => kv.put("t", "v", { expiration: 1000, expirationTtl: 90 })],
  ["an end", (kv) => kv.put("t", "v", { expiration: soon(1000) })],
  ["long metadata", (kv) => kv.put("t", "v", { metadata: "x".repeat(1023) })],
  ["the longest metadata", (kv) => kv.put("m", "v", { metadata: "x".repeat(1022) })],
  ["metadata beyond ASCII", (kv) => kv.put("n", "v", { metadata: { ü: "💥" } })],
  ["no metadata", (kv) => kv.put("o", "v", { metadata: null })],
  ["undefined metadata", (kv) => kv.put("p", "v", { metadata: undefined })],
  ["get metadata beyond ASCII", (kv) => kv.getWithMetadata("n")],
  ["get no metadata", (kv) => kv.getWithMetadata("o")],
  ["put without a name", (kv) => kv.put("", "v")],
  ["delete", (kv) => kv.delete("p")],
  ["get what was deleted", (kv) => kv.get("p")],
  ["delete what is not there", (kv) => kv.delete("missing")],
  ["delete without a name", (kv) => kv.delete("")],
  ["list", (kv) => kv.list()],
  ["list a page", async (kv) => withoutCursor(await kv.list({ limit: 2 }))],
  ["list no page", async (kv) => withoutCursor(await kv.list({ limit: 0 }))],
  ["list too large a page", (kv) => kv.list({ limit: 1001 })],
  ["list a prefix", (kv) => kv.list({ prefix: "m" })],
  ["list all", async (kv) => withoutCursor(await kv.list({ prefix: null, cursor: null, limit: 1 }))],
  ["list a long prefix", (kv) => kv.list({ prefix: "x".repeat(513) })],
  ["list nothing", (kv) => kv.list({ prefix: "nope" })],
  ["list page by page", (kv) => allPages(kv, 3)],
  ["put with null for options", (kv) => unchecked(kv)["put"]?.("o", "v", null)],
  ["put nothing at all", (kv) => unchecked(kv)["put"]?.()],
  ["put no value", (kv) => unchecked(kv)["put"]?.("o")],
  ["delete nothing at all", (kv) => unchecked(kv)["delete"]?.()],
  ["list a number", (kv) => unchecked(kv)["list"]?.({ prefix: 5 })],
  ["a life without end", (kv) => kv.put("t", "v", { expirationTtl: Number.POSITIVE_INFINITY })],
  ["put a name beyond ASCII", (kv) => kv.put("ü/ 💥?#%2f", "x")],
  ["get a name beyond ASCII", (kv) => kv.get("ü/ 💥?#%2f")],
  ["list names beyond ASCII", (kv) => kv.list({ prefix: "ü" })],
  ["half a character", (kv) => kv.put("\ud800x", "x")],
  ["put a byte order mark", (kv) => kv.put("bom", "\ufeffx")],
  ["get a byte order mark", async (kv) => (await kv.get("bom"))?.length],
];

export default {
  async fetch(request: Request, env: ConsumerEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/steps") {
      return Response.json({ workers: await runAll(env.WORKERS_KV), raft: await runAll(env.RAFT_KV) });
    }
    if (pathname === "/other") return Response.json(await env.OTHER_KV.list());
    if (pathname === "/large") {
      return Response.json(await outcomeOf(() => env.RAFT_KV.put("large", new Uint8Array(1024 * 1024 + 1))));
    }
    return new Response(null, { status: 404 });
  },
};

async function runAll(kv: KVNamespace): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  for (const [name, run] of steps) outcomes.push([name, await outcomeOf(() => run(kv))]);
  return outcomes;
}

async function outcomeOf(run: () => unknown): Promise<unknown> {
  try {
    return { returned: await shown(await run()) };
  } catch (error) {
    const { name, message } = error as Error;
    return { threw: name === "RaftError" ? "Error" : name, message };
  }
}

async function shown(value: unknown): Promise<unknown> {
  if (value === undefined) return "undefined";
  if (value instanceof Map) return ["Map", ...(value as Map<string, unknown>)];
  if (value instanceof ArrayBuffer) return ["ArrayBuffer", ...new Uint8Array(value)];
  if (isPage(value)) return { ...value, keys: value.keys.map(roughly) };
  if (value instanceof ReadableStream) return ["ReadableStream", await new Response(value).text()];
  return value;
}

function isPage(value: unknown): value is KVNamespaceListResult<unknown> {
  return typeof value === "object" && value !== null && "keys" in value;
}

/** The two namespaces are written to one after the other, so ends differ by some seconds. */
function roughly(key: KVNamespaceListKey<unknown>): unknown {
  if (key.expiration === undefined) return key;
  return { ...key, expiration: Math.round((key.expiration - soon(0)) / 100) };
}

async function allPages(kv: KVNamespace, limit: number): Promise<unknown> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: KVNamespaceListResult<unknown> = await kv.list({ limit, cursor });
    pages.push(page.keys.map(({ name }) => name));
    if (page.list_complete) return pages;
    ({ cursor } = page);
  }
}

/** Cursors mean nothing to anybody else. */
function withoutCursor(page: KVNamespaceListResult<unknown>): unknown {
  return { ...page, cursor: "cursor" in page ? typeof page.cursor : "none" };
}
