/** The network between processes does what its conditions say, and nothing for a process that is gone. */

import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Network } from "../../../scripts/chaos/network.ts";
import type { LinkRule } from "../../../scripts/chaos/network.ts";
import { deliveryPath } from "../../../scripts/chaos/routed-namespace.ts";
import { Random } from "../../sim/random.ts";

let calls: { readonly path: string; readonly group: string; readonly body: string }[] = [];
let goOn: (text: string) => void = () => {};
let target: Server;
let network: Network;
let address = "";

beforeEach(async () => {
  calls = [];
  target = createServer((incoming, outgoing) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
    incoming.on("end", () => {
      if (incoming.url?.endsWith("/subscribe") === true) {
        outgoing.write("first");
        goOn = (text) => outgoing.write(text);
        return;
      }
      calls.push({ path: incoming.url ?? "", group: String(incoming.headers["x-raft-group"]), body });
      outgoing.writeHead(503, { "x-raft-node": "n2" }).end(`heard ${body}`);
    });
  });
  await new Promise<void>((done) => target.listen(0, "127.0.0.1", done));
  const { port } = target.address() as AddressInfo;
  network = new Network(new Random(1), (node) => (node === "n2" ? `http://127.0.0.1:${port}` : null));
  address = await network.listen();
});

afterEach(async () => {
  await network.close();
  target.closeAllConnections();
  target.close();
});

const call = (to: string, patienceMs = 5000, path = "raft"): Promise<Response> =>
  fetch(`${address}/n1/${encodeURIComponent(`default/${to}`)}/${path}`, {
    method: "POST",
    headers: { "x-raft-group": "default" },
    body: "frame",
    signal: AbortSignal.timeout(patienceMs),
  });

/** Puts a rule into force for one direction. */
const impose = (from: string, to: string, rule: Partial<LinkRule>): (() => void) =>
  network.impose({ rule, applies: (one, other) => one === from && other === to });

test("a call arrives as it was sent, and so does its answer", async () => {
  const response = await call("n2");
  expect([response.status, response.headers.get("x-raft-node"), await response.text()]).toEqual([
    503,
    "n2",
    "heard frame",
  ]);
  expect(calls).toEqual([{ path: `${deliveryPath}default%2Fn2/raft`, group: "default", body: "frame" }]);
});

test("a process that is gone is a connection that breaks", async () => {
  await expect(call("n3")).rejects.toThrow("fetch failed");
});

test("a link that is cut one way loses calls, or answers to calls that were made", async () => {
  const heal = impose("n1", "n2", { blocked: true });
  await expect(call("n2", 200)).rejects.toMatchObject({ name: "TimeoutError" });
  expect(calls).toHaveLength(0);
  heal();
  impose("n2", "n1", { blocked: true });
  await expect(call("n2", 200)).rejects.toMatchObject({ name: "TimeoutError" });
  expect(calls).toHaveLength(1);
  expect(network.counts).toMatchObject({ blocked: 2, passed: 0 });
});

test("nodes may be cut off from each other and still be asked by clients", async () => {
  impose("n1", "n2", { peersBlocked: true });
  await expect(call("n2", 200)).rejects.toMatchObject({ name: "TimeoutError" });
  expect((await call("n2", 5000, "propose")).status).toBe(503);
  expect(calls.map(({ path }) => path)).toEqual([`${deliveryPath}default%2Fn2/propose`]);
});

test("what is on its way when a link is cut does not arrive", async () => {
  impose("n1", "n2", { delayMs: 100 });
  const calling = call("n2", 400);
  setTimeout(() => impose("n1", "n2", { blocked: true }), 20);
  await expect(calling).rejects.toMatchObject({ name: "TimeoutError" });
  expect(calls).toHaveLength(0);
});

test("a stream comes as it is made, waits while its link is cut, and goes on", async () => {
  const response = await call("n2", 5000, "subscribe");
  const reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  expect(await next()).toBe("first");
  const heal = impose("n2", "n1", { blocked: true });
  goOn("second");
  const second = next();
  const early = await Promise.race([second, new Promise((done) => setTimeout(done, 200, "nothing yet"))]);
  expect(early).toBe("nothing yet");
  heal();
  expect(await second).toBe("second");
  await reader.cancel();
});

test("a call may be lost, repeated or late", async () => {
  const loses = impose("n1", "n2", { lossRate: 1 });
  await expect(call("n2", 100)).rejects.toMatchObject({ name: "TimeoutError" });
  loses();
  const repeats = impose("n1", "n2", { duplicateRate: 1 });
  await (await call("n2")).text();
  await expect.poll(() => calls.length).toBe(2);
  // Nothing repeats a write.
  await (await call("n2", 5000, "propose")).text();
  expect(calls).toHaveLength(3);
  repeats();
  impose("n2", "n1", { delayMs: 100, jitterMs: 10 });
  const startedAtMs = performance.now();
  await (await call("n2")).text();
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(88);
});

test("a slow link carries one call after the other, and loses what comes when too many wait", async () => {
  const startedAtMs = performance.now();
  // A call of five bytes takes half a second.
  const heal = impose("n1", "n2", { bytesPerMs: 0.01 });
  const took = async (): Promise<number> => {
    await (await call("n2", 3000)).text();
    return performance.now() - startedAtMs;
  };
  const [first, second, third, fourth] = [took(), took(), took(), call("n2", 300)];
  await expect(fourth).rejects.toMatchObject({ name: "TimeoutError" });
  expect(await first).toBeGreaterThan(480);
  expect(await second).toBeGreaterThan(980);
  expect(await third).toBeGreaterThan(1480);
  expect(network.counts).toMatchObject({ queued: 2, lost: 1 });
  heal();
});
