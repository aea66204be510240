/** A Worker that uses the store through its binding, as a compiler sees it, and does what a test tells it to. */

import type { Raft } from "../../src/worker.ts";

interface ConsumerEnv {
  readonly RAFT: Service<typeof Raft>;
  /** The same for another group. */
  readonly OTHER: Service<typeof Raft>;
}

interface Call {
  readonly binding: "RAFT" | "OTHER";
  readonly method: string;
  readonly parameters: readonly unknown[];
}

export default {
  async fetch(request: Request, env: ConsumerEnv): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/call":
        return Response.json(await answer(env, await request.json<Call>()), undefined);
      case "/watch":
        return await follow(env, await request.json<object>());
      case "/forget":
        // Neither closed nor bound by `using`.
        return Response.json((await env.RAFT.watch({ key: "forgotten" })) !== null);
      case "/bank":
        return Response.json(await transfer(env.RAFT));
      case "/lock":
        return Response.json(await count(env.RAFT));
      default:
        return new Response(null, { status: 404 });
    }
  },
};

/** Any method with any parameters, as they come. */
async function answer(env: ConsumerEnv, { binding, method, parameters }: Call): Promise<unknown> {
  const methods = env[binding] as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
  try {
    return { returned: toJson(await methods[method]?.(...(fromJson(parameters) as unknown[]))) };
  } catch (error) {
    const { name, message, stack } = error as Error;
    const { code, ambiguous, facts } = error as Partial<Record<string, unknown>>;
    return { threw: { name, message, code, ambiguous, facts, leaks: /src\/|raft-consumer/.test(stack ?? "") } };
  }
}

/** The messages of a watch, a line each. */
async function follow({ RAFT }: ConsumerEnv, options: object): Promise<Response> {
  const watch = await RAFT.watch(options);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const copy = async (): Promise<void> => {
    for (let message = await watch.next(); message !== null; message = await watch.next()) {
      await writer.write(encoder.encode(`${JSON.stringify(toJson(message))}\n`));
    }
    await writer.close();
  };
  copy().catch(() => watch[Symbol.dispose]());
  return new Response(readable);
}

/** Moves 1 from one account to another, as often as others let it, by compare-and-swap. */
async function transfer(raft: ConsumerEnv["RAFT"]): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const [from, to] = await raft.getMany(["account/a", "account/b"]);
    if (!from?.value || !to?.value) throw new Error("no accounts");
    const decoder = new TextDecoder();
    const { succeeded } = await raft.txn({
      if: [
        { key: "account/a", target: "modRevision", to: from.modRevision },
        { key: "account/b", target: "modRevision", to: to.modRevision },
      ],
      success: [
        { put: { key: "account/a", value: String(Number(decoder.decode(from.value)) - 1) } },
        { put: { key: "account/b", value: String(Number(decoder.decode(to.value)) + 1) } },
      ],
    });
    if (succeeded) return attempt;
  }
}

/** Adds 1 to a number without compare-and-swap, which is right only where nobody else does so meanwhile. */
async function count(raft: ConsumerEnv["RAFT"]): Promise<unknown> {
  const lock = await raft.lock("counter", { ttlMs: 10_000, waitMs: 60_000 });
  if (!lock.held) return lock;
  const before = Number((await raft.getText("counted")) ?? "0");
  await raft.put("counted", String(before + 1));
  const released = await raft.unlock("counter", { token: lock.token });
  return { held: true, token: lock.token, released };
}

/** Bytes, and numbers of 64 bits, are no JSON. */
function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (typeof value === "bigint") return { bigint: String(value) };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toJson(field)]));
}

function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return value;
  const { bytes, bigint, date } = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(bytes)) return new Uint8Array(bytes as number[]);
  if (typeof bigint === "string") return BigInt(bigint);
  if (typeof date === "number") return new Date(date);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, fromJson(field)]));
}
