/** Registers in memory: the smallest store that has revisions, compare-and-set and idempotency keys. */

import { ByteReader } from "../../../src/bytes/reader.ts";
import { ByteWriter } from "../../../src/bytes/writer.ts";
import type { CommittedCommand, StateMachine } from "../../../src/machine.ts";
import type { Cell, Cells } from "../disk/cells.ts";
import type { Reading, StoreLanguage, Write, WriteResult } from "./language.ts";

const unconditional = 0;

type Decision =
  | { readonly takesEffect: true; readonly result: WriteResult & { readonly written: true } }
  | { readonly takesEffect: false; readonly result: WriteResult };

export class RegisterMachine implements StateMachine {
  readonly tables: readonly string[] = [];
  private readonly cells: Cells;

  constructor(cells: Cells) {
    this.cells = cells;
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    return commands.map(({ command }) => encodeResult(this.write(decodeWrite(command))));
  }

  query(query: Uint8Array): Uint8Array {
    const key = new ByteReader(query).text();
    const revision = this.number(`revision of ${key}`);
    const writer = new ByteWriter(64).u53(revision);
    return revision === 0 ? writer.finish() : writer.text(String(this.cells.get(`value of ${key}`))).finish();
  }

  foresee({ command }: CommittedCommand): Uint8Array {
    return encodeResult(this.decide(decodeWrite(command)).result);
  }

  private write(write: Write): WriteResult {
    const { result, takesEffect } = this.decide(write);
    if (!takesEffect) return result;
    const { name, key, idempotencyKey } = write;
    this.set("revision", result.revision);
    this.set(`revision of ${key}`, result.revision);
    this.set(`value of ${key}`, name);
    if (idempotencyKey !== null) this.set(`answer to ${idempotencyKey}`, result.revision);
    return result;
  }

  private decide({ key, expectedRevision, idempotencyKey }: Write): Decision {
    const remembered = idempotencyKey === null ? undefined : this.cells.get(`answer to ${idempotencyKey}`);
    if (remembered !== undefined) return idle({ written: true, revision: Number(remembered) });
    const found = this.number(`revision of ${key}`);
    const isExpected = expectedRevision === null || expectedRevision === found;
    if (!isExpected) return idle({ written: false, revision: found || null });
    return { takesEffect: true, result: { written: true, revision: this.number("revision") + 1 } };
  }

  private number(name: string): number {
    return Number(this.cells.get(name) ?? (name === "revision" ? firstRevision : 0));
  }

  private set(name: string, value: Cell): void {
    this.cells.set(name, value);
  }
}

const idle = (result: WriteResult): Decision => ({ takesEffect: false, result });

/** The revision of a store in which nothing was written. */
export const firstRevision = 1;

export const registerLanguage: StoreLanguage = {
  encodeWrite({ name, key, expectedRevision, idempotencyKey }: Write, padding: number): Uint8Array {
    const writer = new ByteWriter(64 + padding).text(name).text(key);
    writer.u53(expectedRevision === null ? unconditional : expectedRevision + 1).text(idempotencyKey ?? "");
    return writer.raw(new Uint8Array(padding)).finish();
  },

  nameOf(command: Uint8Array): string | null {
    return new ByteReader(command).text() || null;
  },

  decodeResult(result: Uint8Array): WriteResult {
    const reader = new ByteReader(result);
    const written = reader.u8() === 1;
    const revision = reader.u53();
    return written ? { written, revision } : { written, revision: revision || null };
  },

  encodeRead(key: string): Uint8Array {
    return new ByteWriter(32).text(key).finish();
  },

  decodeRead(answer: Uint8Array): Reading | null {
    const reader = new ByteReader(answer);
    const revision = reader.u53();
    return revision === 0 ? null : { value: reader.text(), revision };
  },
};

function decodeWrite(command: Uint8Array): Write {
  const reader = new ByteReader(command);
  const name = reader.text();
  const key = reader.text();
  const expected = reader.u53();
  const idempotencyKey = reader.text();
  return {
    name,
    key,
    expectedRevision: expected === unconditional ? null : expected - 1,
    idempotencyKey: idempotencyKey === "" ? null : idempotencyKey,
  };
}

function encodeResult({ written, revision }: WriteResult): Uint8Array {
  return new ByteWriter(9)
    .u8(written ? 1 : 0)
    .u53(revision ?? 0)
    .finish();
}
