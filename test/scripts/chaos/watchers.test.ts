/** Watchers over both APIs: what they take down when streams break, parts of revisions come, and history is forgotten. */

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { etcdWatch } from "../../../scripts/chaos/etcd-watch.ts";
import { restWatch } from "../../../scripts/chaos/rest-watch.ts";
import type { WatchFace } from "../../../scripts/chaos/watch-face.ts";
import { Watcher } from "../../../scripts/chaos/watchers.ts";
import { Random } from "../../sim/random.ts";

type Serve = (incoming: IncomingMessage, body: string, outgoing: ServerResponse) => void;

/** What is served to each stream in turn; the last one stays open. */
let streams: Serve[] = [];
/** Where each stream was asked to begin. */
let begun: (string | undefined)[] = [];
let server: Server;
let url = "";

beforeEach(async () => {
  [streams, begun] = [[], []];
  server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
    incoming.on("end", () => {
      if (incoming.url?.startsWith("/v1/kv") === true) {
        outgoing.end('{"items":[],"revision":9}');
        return;
      }
      const last = incoming.headers["last-event-id"] ?? /"start_revision":"(\d+)"/.exec(body)?.[1];
      begun.push(last === undefined ? undefined : String(last));
      streams.shift()?.(incoming, body, outgoing);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function watchThrough(face: WatchFace, revision: number): Promise<Watcher> {
  const watcher = new Watcher("W", face, new Random(1), () => [url]);
  const running = watcher.run();
  expect(await watcher.until(revision, 4000)).toBe(revision);
  watcher.stop();
  await running;
  return watcher;
}

const message = (event: string, id: string, data: object): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;

test("over REST: goes on behind what it was told, and begins anew behind what is forgotten", async () => {
  streams = [
    (_incoming, _body, outgoing) => {
      outgoing.write(`retry: 1000\n\n${message("created", "4", { revision: 4 })}`);
      outgoing.write(message("put", "5", { key: "a", value: "x and more", mod_revision: 5 }));
      // The first of two changes of revision 6.
      outgoing.end(message("put", "6.1", { key: "a", value: "y", mod_revision: 6 }));
    },
    (_incoming, _body, outgoing) => {
      outgoing.write(message("created", "6.1", { revision: 7 }));
      outgoing.write(message("delete", "6", { key: "b", mod_revision: 6 }));
      outgoing.end(`:\n\n${message("progress", "7", { revision: 7 })}`);
    },
    (_incoming, _body, outgoing) => outgoing.writeHead(410).end('{"error":{"code":"compacted","ambiguous":false}}'),
    (_incoming, _body, outgoing) => outgoing.write(message("put", "10", { key: "c", value: "z", mod_revision: 10 })),
  ];
  const { segments, counts } = await watchThrough(restWatch, 10);
  expect(begun.slice(0, 4)).toEqual([undefined, "6.1", "7", "9"]);
  expect(segments).toEqual([
    {
      watcher: "W",
      afterRevision: 4,
      throughRevision: 7,
      events: [
        { revision: 5, key: "a", value: "x" },
        { revision: 6, key: "a", value: "y" },
        { revision: 6, key: "b", value: null },
      ],
    },
    { watcher: "W", afterRevision: 9, throughRevision: 10, events: [{ revision: 10, key: "c", value: "z" }] },
  ]);
  expect(counts).toMatchObject({ streams: 4, compacted: 1 });
});

const line = (result: object): string => `${JSON.stringify({ result: { header: { revision: "4" }, ...result } })}\n`;
const kv = (key: string, revision: number, value = "x"): object => ({
  key: btoa(key),
  value: btoa(value),
  mod_revision: String(revision),
});

test("over etcd's API: the same", async () => {
  streams = [
    (_incoming, _body, outgoing) => {
      outgoing.write(line({ created: true }));
      const deleted = { type: "DELETE", kv: { key: btoa("b"), mod_revision: "6" } };
      outgoing.end(line({ events: [{ kv: kv("a", 5) }, { kv: kv("a", 6, "y and more") }, deleted] }));
    },
    (_incoming, _body, outgoing) => {
      outgoing.write(line({ created: true }));
      outgoing.write(line({ canceled: true, compact_revision: "8" }));
    },
    (_incoming, _body, outgoing) => outgoing.write(line({ events: [{ kv: kv("c", 10, "z") }] })),
  ];
  const { segments, counts } = await watchThrough(etcdWatch, 10);
  expect(begun.slice(0, 3)).toEqual([undefined, "7", "10"]);
  expect(segments).toEqual([
    {
      watcher: "W",
      afterRevision: 4,
      throughRevision: 6,
      events: [
        { revision: 5, key: "a", value: "x" },
        { revision: 6, key: "a", value: "y" },
        { revision: 6, key: "b", value: null },
      ],
    },
    { watcher: "W", afterRevision: 9, throughRevision: 10, events: [{ revision: 10, key: "c", value: "z" }] },
  ]);
  expect(counts).toMatchObject({ streams: 3, compacted: 1 });
});
