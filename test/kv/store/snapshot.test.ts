/** Stores that are copied while they go on working. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { KeyValueMachine } from "../../../src/kv/machine.ts";
import { SqlSnapshots } from "../../../src/node/sql-snapshots.ts";
import { simpleConfiguration } from "../../../src/raft/configuration.ts";
import type { Snapshot } from "../../../src/raft/message.ts";
import { log } from "./arbitraries.ts";
import { Expectations } from "./expectations.ts";
import { TestStore, tinyIndex } from "./harness.ts";

const snapshot: Snapshot = { index: 7, term: 2, timeMs: 1000, configuration: simpleConfiguration(["n1", "n2"]) };

test("a copy is the store as it was, and goes on as the store has", () => {
  fc.assert(
    fc.property(log, log, fc.constantFrom(1, 300, 5000), (before, after, maxBytes) => {
      const expectations = new Expectations();
      const options = { ...expectations.limits, index: tinyIndex };
      const [store, copy] = [new TestStore(options), new TestStore(options)];
      store.apply(before.map((step) => expectations.next(step)));
      const content = store.content();
      const [from, to] = [new SqlSnapshots(store.sql), new SqlSnapshots(copy.sql)];
      const { tables } = store.machine;
      store.sql.transaction(() => from.openCut("cut", "n2", snapshot, tables));
      copy.sql.transaction(() => to.beginStaging("cut", snapshot, tables));
      const rest = after.map((step) => expectations.next(step));
      const waiting = [...rest];
      for (let done = false; !done;) {
        store.apply(waiting.splice(0, 1));
        const page = from.readCut(maxBytes);
        copy.sql.transaction(() => to.stage(page, 1));
        store.sql.transaction(() => from.advanceCut(1));
        ({ done } = page);
      }
      copy.sql.transaction(() => {
        to.installStaging();
        copy.machine = new KeyValueMachine(copy.sql, options);
      });
      expect(copy.content()).toEqual(content);
      store.sql.transaction(() => from.closeCut());
      store.apply(waiting);
      // Entries are numbered from the beginning of the log.
      copy.skipTo(before.length);
      copy.apply(rest);
      expect(copy.content()).toEqual(store.content());
    }),
    { numRuns: 30 },
  );
}, 60_000);
