/** Both disks: a crash leaves exactly the transactions that were durable, whatever came after them. */

import { describe, expect, test } from "vitest";
import { KeyValueMachine } from "../../../src/kv/machine.ts";
import type { NodeStorage } from "../../../src/node/storage.ts";
import { simpleConfiguration } from "../../../src/raft/configuration.ts";
import type { Entry } from "../../../src/raft/entry.ts";
import { keyValueLanguage } from "../store/key-value-store.ts";
import type { StoreLanguage } from "../store/language.ts";
import { RegisterMachine, registerLanguage } from "../store/register-store.ts";
import { DurableImage } from "./durable-image.ts";
import { type DiskEngine, firstOf, type OpenedNode } from "./engine.ts";
import { MemoryEngine } from "./memory-engine.ts";
import { recordingStorage } from "./recording-storage.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import type { WriteRecord } from "./write-record.ts";

const identity = { group: "g", node: "n1", groupId: "1", storageId: "2" };
const configuration = simpleConfiguration(["n1"]);
const founding = firstOf(identity, configuration);

const disks: readonly { readonly name: string; readonly make: () => DiskEngine; readonly language: StoreLanguage }[] = [
  {
    name: "in memory",
    make: () => new MemoryEngine(founding, (cells) => new RegisterMachine(cells)),
    language: registerLanguage,
  },
  {
    name: "in SQLite",
    make: () => new SqliteEngine(founding, (sql) => new KeyValueMachine(sql)),
    language: keyValueLanguage,
  },
];

describe.each(disks)("a disk $name", ({ make, language }) => {
  const image = new DurableImage();
  const records: WriteRecord[] = [];

  function begin(engine: DiskEngine): OpenedNode & { readonly storage: NodeStorage } {
    const opened = engine.open();
    engine.flushed();
    const storage = recordingStorage(opened.storage, {
      step: () => {},
      read: () => {},
      began: () => {},
      wrote: (record) => void records.push(record),
    });
    return { ...opened, storage };
  }

  function flush(engine: DiskEngine): void {
    image.flush(records.shift()!);
    engine.flushed();
  }

  /** A command that is stored and applied in one transaction. */
  function put({ storage, machine }: OpenedNode, index: number, term: number, value: string): void {
    const write = { name: value, key: "k", expectedRevision: null, idempotencyKey: null };
    const data = language.encodeWrite(write, 0);
    const entry: Entry = { index, term, kind: "command", timeMs: 5, data };
    storage.transaction(() => {
      storage.saveHardState({ term, vote: value });
      storage.saveEntries([entry]);
      machine.apply([{ index, term, timeMs: 5, command: data }]);
      storage.saveAppliedIndex(index);
    });
  }

  const read = ({ machine }: OpenedNode): string | null =>
    language.decodeRead(machine.query(language.encodeRead("k"), 0))?.value ?? null;

  test("keeps what was flushed and loses the rest, again and again", () => {
    const engine = make();
    const first = begin(engine);
    put(first, 1, 1, "a");
    flush(engine);
    put(first, 2, 1, "b");
    flush(engine);
    put(first, 2, 2, "c");
    put(first, 3, 3, "d");
    expect(read(first)).toBe("d");
    records.length = 0;
    engine.crash(image);

    const second = begin(engine);
    expect(second.stored.incarnation).toBe(2);
    expect(second.stored.hardState).toEqual({ term: 1, vote: "b" });
    expect(second.stored.log).toMatchObject({ firstIndex: 1, lastIndex: 2, appliedIndex: 2 });
    expect(second.storage.entries(1, 2, 1000).map(({ term }) => term)).toEqual([1, 1]);
    expect(read(second)).toBe("b");

    put(second, 2, 4, "e");
    put(second, 3, 4, "f");
    flush(engine);
    records.length = 0;
    engine.crash(image);
    const third = begin(engine);
    expect(third.stored.hardState).toEqual({ term: 4, vote: "e" });
    expect(third.stored.log).toMatchObject({ lastIndex: 2, appliedIndex: 2 });
    expect(third.storage.term(2)).toBe(4);
    expect(read(third)).toBe("e");
    engine.close();
  });

  test("undoes a transaction that throws, and nothing else", () => {
    const engine = make();
    const opened = begin(engine);
    put(opened, 1, 1, "a");
    put(opened, 2, 1, "b");
    expect(() =>
      opened.storage.transaction(() => {
        opened.storage.saveHardState({ term: 9, vote: null });
        opened.storage.saveEntries([{ index: 1, term: 9, kind: "noop", timeMs: 0, data: new Uint8Array(0) }]);
        throw new Error("in the middle");
      }),
    ).toThrow("in the middle");
    expect(opened.storage.entries(1, 2, 1000).map(({ term }) => term)).toEqual([1, 1]);
    expect(read(opened)).toBe("b");
    engine.close();
  });

  test("forgets the log up to a point, and begins behind a state", () => {
    const engine = make();
    const opened = begin(engine);
    put(opened, 1, 1, "a");
    put(opened, 2, 2, "b");
    put(opened, 3, 2, "c");
    expect(opened.storage.oldestBatches(2).map(({ lastIndex }) => lastIndex)).toEqual([1, 2]);
    opened.storage.transaction(() => opened.storage.compactTo({ index: 2, term: 2, timeMs: 5 }));
    expect(opened.storage.entries(3, 3, 1000)).toHaveLength(1);
    expect(opened.storage.bytesUpTo(3)).toBeGreaterThan(0);
    const snapshot = { index: 9, term: 3, timeMs: 7, configuration };
    opened.storage.transaction(() => opened.storage.restore(snapshot));
    for (let count = 0; count < 5; count += 1) engine.flushed();
    const { stored } = engine.open();
    expect(stored.log).toEqual({ firstIndex: 10, lastIndex: 9, previousTerm: 3, previousTimeMs: 7, appliedIndex: 9 });
    engine.close();
  });
});
