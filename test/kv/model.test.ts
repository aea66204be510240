/** The machine against the reference store, over generated logs. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Item } from "../../src/kv/answer.ts";
import type { ListQuery } from "../../src/kv/query.ts";
import { listQuery, log } from "./arbitraries.ts";
import { hex, ReferenceStore } from "./reference.ts";
import type { ReferenceItem } from "./reference.ts";
import { TestStore } from "./store.ts";

type Log = typeof log extends fc.Arbitrary<infer Value> ? Value : never;

/** So few that the generated logs overflow them. */
const idempotencyKeys = 3;

/** The entries of a log with the time of each, in batches. */
function batches(entries: Log, oneByOne: boolean): { command: Log[number]["command"]; timeMs: number }[][] {
  let timeMs = 1_700_000_000_000;
  const result: { command: Log[number]["command"]; timeMs: number }[][] = [];
  for (const { command, passedMs, newBatch } of entries) {
    timeMs += passedMs;
    // A batch of the test store has one time.
    if (oneByOne || newBatch || passedMs > 0) result.push([]);
    if (result.length === 0) result.push([]);
    result.at(-1)!.push({ command, timeMs });
  }
  return result;
}

function run(entries: Log, oneByOne = false): { store: TestStore; reference: ReferenceStore } {
  const store = new TestStore(idempotencyKeys);
  const reference = new ReferenceStore(idempotencyKeys);
  for (const batch of batches(entries, oneByOne)) {
    const results = store.apply(
      batch.map(({ command }) => command),
      batch[0]!.timeMs,
    );
    expect(results).toEqual(batch.map(({ command, timeMs }) => reference.apply(command, timeMs)));
  }
  return { store, reference };
}

function plain(item: Item): ReferenceItem & { valueBytes: number } {
  const { key, value, ...rest } = item;
  return { key: hex(key), value: value === null ? "" : hex(value), ...rest };
}

function expected(item: ReferenceItem, withValue: boolean): ReferenceItem & { valueBytes: number } {
  return { ...item, value: withValue ? item.value : "", valueBytes: item.value.length / 2 };
}

describe("the machine and the reference", () => {
  test("give every command the same result and every key the same end", () => {
    fc.assert(
      fc.property(log, fc.boolean(), (entries, withValue) => {
        const { store, reference } = run(entries);
        const { revision } = reference;
        for (const { command } of entries) {
          const answer = store.query({ kind: "get", key: command.key, withValue });
          const item = reference.items.get(hex(command.key));
          expect(answer.status === "found" ? { ...answer, item: plain(answer.item) } : answer).toEqual(
            item === undefined
              ? { status: "not_found", revision }
              : { status: "found", revision, item: expected(item, withValue) },
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test("list the same keys, page by page", () => {
    fc.assert(
      fc.property(log, listQuery, (entries, query) => {
        const { store, reference } = run(entries);
        const all = reference.list(query);
        expect(pages(store, query)).toEqual(all.map((item) => expected(item, !query.keysOnly)));
      }),
      { numRuns: 300 },
    );
  });

  test("hold the same content however the log is cut into batches", () => {
    fc.assert(
      fc.property(log, (entries) => {
        expect(run(entries, true).store.content()).toEqual(run(entries).store.content());
      }),
      { numRuns: 100 },
    );
  });
});

/** All pages of a list together. Every page but the last must be full. */
function pages(store: TestStore, query: ListQuery): ReturnType<typeof plain>[] {
  const items: ReturnType<typeof plain>[] = [];
  for (let after = query.after; ;) {
    const answer = store.query({ ...query, after });
    if (answer.status !== "page") throw new Error(`no page: ${answer.status}`);
    items.push(...answer.items.map(plain));
    if (!answer.more) return items;
    expect(answer.items).toHaveLength(query.limit);
    after = answer.items.at(-1)!.key;
  }
}
