/** What a watcher may not be told, told on purpose. */

import { expect, test } from "vitest";
import { encodeCommand } from "../../../src/kv/command-codec.ts";
import type { WatchEvent, WatchMessage } from "../../../src/kv/model.ts";
import { put, txn, watchOf } from "../../kv/store/requests.ts";
import { StoreOracle } from "./store-oracle.ts";
import { WatchRecord } from "./watch-record.ts";

const request = watchOf("a", "c", { startRevision: 2 });

/** A store in which `a` was put at the revisions 2, 3 and 4. */
function store(): StoreOracle {
  const oracle = new StoreOracle();
  for (const index of [1, 2, 3]) {
    const data = encodeCommand({ body: txn([put("a", `v${index}`)]), idempotency: null });
    oracle.commands.begin(data);
    oracle.committed({ index, term: 1, kind: "command", timeMs: index, data });
  }
  return oracle;
}

function eventsOf(oracle: StoreOracle, ...revisions: readonly number[]): WatchMessage {
  const events: WatchEvent[] = revisions.flatMap((revision) =>
    oracle.events(request, 1).filter(({ item }) => item.modRevision === revision),
  );
  return { type: "events", revision: Math.max(...revisions), fragment: false, events };
}

function hear(...messages: readonly ((oracle: StoreOracle) => WatchMessage)[]): WatchRecord {
  const oracle = store();
  const record = new WatchRecord("w1", request, oracle);
  for (const message of messages) record.take(message(oracle));
  return record;
}

test("everything once and in order is right, also on two connections", () => {
  const record = hear((oracle) => eventsOf(oracle, 2, 3));
  expect(record.isComplete).toBe(false);
  expect(record.resumption().startRevision).toBe(4);
  expect(
    hear(
      (oracle) => eventsOf(oracle, 2, 3),
      (oracle) => eventsOf(oracle, 4),
    ).isComplete,
  ).toBe(true);
});

test.each<[string, readonly number[][]]>([
  ["a gap", [[2, 4]]],
  ["a missing beginning", [[3]]],
  ["another order", [[3, 2]]],
  ["a repetition within a message", [[2, 2]]],
])("%s is found", (_, messages) => {
  const said = messages.map((revisions) => (oracle: StoreOracle) => eventsOf(oracle, ...revisions));
  expect(() => hear(...said)).toThrow("watches: w1 is told");
});

test("a repetition is found when the watch goes on", () => {
  expect(() =>
    hear(
      (oracle) => eventsOf(oracle, 2, 3),
      (oracle) => eventsOf(oracle, 3, 4),
    ),
  ).toThrow("watches: w1 is told");
});

test("progress past an event that was not told is found", () => {
  expect(() => hear(() => ({ type: "progress", revision: 3 }))).toThrow("watches: w1 is told");
});

test("what is not committed is found", () => {
  expect(() => hear(() => ({ type: "created", revision: 9 }))).toThrow("hears of 9; 4 is committed");
});

test("a cancellation for a compaction that never was is found", () => {
  const canceled = {
    type: "canceled",
    revision: 4,
    reason: "compacted",
    compactRevision: 3,
    resumeRevision: 3,
  } as const;
  expect(() => hear(() => canceled)).toThrow("is cancelled: compacted");
});
