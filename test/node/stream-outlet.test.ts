/** The connection to a subscriber that reads a response. */

import { beforeEach, expect, test } from "vitest";
import { keepAliveMs, StreamOutlet } from "../../src/node/stream-outlet.ts";
import { PartsReader } from "../../src/parts.ts";

let reader: ReadableStreamDefaultReader<Uint8Array>;
let outlet: StreamOutlet;
let ends: number;

beforeEach(() => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  reader = readable.getReader();
  ends = 0;
  outlet = new StreamOutlet(writable.getWriter(), 0, () => void (ends += 1));
});

/** The parts in each chunk of the stream, up to its end, and whether that was the end of the messages. */
async function readAll(): Promise<{ chunks: string[][]; complete: boolean }> {
  const parts = new PartsReader(1e6);
  const chunks: string[][] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { chunks, complete: parts.ended };
    chunks.push(parts.take(value).map((part) => new TextDecoder().decode(part)));
  }
}

test("each message is a chunk, texts and bytes alike, and the end is marked", async () => {
  outlet.write("one");
  outlet.write(new TextEncoder().encode("two"));
  outlet.end();
  expect(await readAll()).toEqual({ chunks: [["one"], ["two"], []], complete: true });
  await new Promise(setImmediate);
  expect(ends).toBe(1);
});

test("a stream that the node breaks off has no such mark", async () => {
  outlet.write("one");
  outlet.breakOff();
  expect(await readAll()).toEqual({ chunks: [["one"]], complete: false });
});

test("what the reader has not taken is pending", async () => {
  outlet.write("x".repeat(96));
  outlet.write("x".repeat(196));
  expect(outlet.pendingBytes).toBe(300);
  await reader.read();
  await new Promise(setImmediate);
  expect(outlet.pendingBytes).toBeLessThanOrEqual(200);
  await reader.read();
  await new Promise(setImmediate);
  expect(outlet.pendingBytes).toBe(0);
});

test("a reader who is gone is told of once, and nothing that is written then does harm", async () => {
  await reader.cancel();
  await new Promise(setImmediate);
  expect(ends).toBe(1);
  outlet.write("one");
  outlet.end();
  await new Promise(setImmediate);
  expect(ends).toBe(1);
});

test("a stream that has been silent for long says that it is there, and no message", async () => {
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second += 1) outlet.tick((nowMs += 1000));
  };
  let nowMs = 0;
  seconds(keepAliveMs / 1000 - 1);
  outlet.write("one");
  seconds(keepAliveMs / 1000);
  outlet.write("");
  seconds(2 * (keepAliveMs / 1000) + 2);
  outlet.breakOff();
  expect((await readAll()).chunks).toEqual([["one"], [""], [""]]);
});
