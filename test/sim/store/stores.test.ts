/** Both simulated stores do what the model says, so that a difference in a run is never the model's. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { KeyValueMachine } from "../../../src/kv/machine.ts";
import type { StateMachine } from "../../../src/machine.ts";
import { NodeSql } from "../../support/node-sql.ts";
import { Cells } from "../disk/cells.ts";
import { keyValueLanguage } from "./key-value-store.ts";
import type { StoreLanguage, Write } from "./language.ts";
import { RegisterMachine, registerLanguage } from "./register-store.ts";
import { StoreModel } from "./store-model.ts";

const keys = ["a", "b"];

const writes = fc.array(
  fc.record({
    key: fc.constantFrom(...keys),
    expectedRevision: fc.option(fc.nat(8), { nil: null }),
    idempotencyKey: fc.option(fc.constantFrom("x", "y", "z"), { nil: null }),
  }),
  { maxLength: 30 },
);

/** What the machine and the model answer to each write, and what they hold after it. */
function answers(
  machine: StateMachine,
  language: StoreLanguage,
  list: readonly Omit<Write, "name">[],
): { readonly machine: unknown[]; readonly model: unknown[] } {
  const model = new StoreModel();
  const told: { machine: unknown[]; model: unknown[] } = { machine: [], model: [] };
  for (const [position, content] of list.entries()) {
    const write = { name: `w${position}`, ...content };
    const index = position + 1;
    const command = language.encodeWrite(write, position);
    const [result] = machine.apply([{ index, term: 1, timeMs: 0, command }]);
    told.machine.push(language.nameOf(command), language.decodeResult(result!));
    told.model.push(write.name, model.apply(write, index));
    for (const key of keys) {
      told.machine.push(language.decodeRead(machine.query(language.encodeRead(key), 0)));
      const reading = model.read(key, index);
      told.model.push(reading === null ? null : { value: reading.value, revision: reading.revision });
    }
  }
  return told;
}

test("the registers in memory", () => {
  fc.assert(
    fc.property(writes, (list) => {
      const cells = new Cells();
      const told = cells.transaction(() => answers(new RegisterMachine(cells), registerLanguage, list));
      expect(told.machine).toEqual(told.model);
    }),
  );
});

test("the key-value store on SQLite", () => {
  fc.assert(
    fc.property(writes, (list) => {
      const sql = new NodeSql();
      const told = answers(new KeyValueMachine(sql), keyValueLanguage, list);
      expect(told.machine).toEqual(told.model);
      sql.close();
    }),
    { numRuns: 50 },
  );
});
