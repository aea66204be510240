/** A client of the simplest kind: it reads and writes single keys. */

import { type Answer, Caller, ruleOf } from "./caller.ts";
import { demand } from "./check/violation.ts";
import { isWriteKind, type Operation, type OperationKind } from "./history.ts";
import type { Instance } from "./instance.ts";
import type { Reading, WriteResult } from "./store/language.ts";

const kinds: readonly OperationKind[] = [
  ...(["write", "write", "write", "compare-and-set", "compare-and-set", "read", "read", "read"] as const),
  ...(["stale read", "bounded read", "session read"] as const),
];

export class Client extends Caller {
  private readonly revisions = new Map<string, number>();

  /** Begins an operation; one at a time. */
  begin(kind: OperationKind, key: string, idempotent: boolean): Operation {
    return this.ask(kind, key, idempotent);
  }

  protected override beginByChance(mustBeIdempotent: boolean): void {
    const { clients } = this.setup.random;
    const { keys, idempotentRate } = this.setup.settings.clients;
    const idempotent = mustBeIdempotent || clients.chance(idempotentRate);
    this.begin(clients.pick(kinds), `k${clients.below(keys)}`, idempotent);
  }

  protected override requestFor(operation: Operation, answer: Answer): (instance: Instance) => void {
    return isWriteKind(operation.kind) ? this.writeRequest(operation, answer) : this.readRequest(operation, answer);
  }

  private writeRequest(operation: Operation, answer: Answer): (instance: Instance) => void {
    const { checks, language, settings, random } = this.setup;
    const { number, attempts, key, kind } = operation;
    const name = `${this.id}.${number}.${attempts}`;
    const idempotencyKey = operation.idempotent ? `${this.id}.${number}` : null;
    const expectedRevision = kind === "write" ? null : (this.revisions.get(key) ?? 0);
    const write = { name, key, expectedRevision, idempotencyKey };
    checks.attempts.begin(write);
    const bytes = language.encodeWrite(write, random.clients.below(settings.clients.valueBytes + 1));
    this.note(() => `writes ${key} as ${name}`);
    return this.propose(operation, bytes, answer, {
      done: (index, bytesOfResult) => {
        const result = language.decodeResult(bytesOfResult);
        checks.attempts.acknowledge(name, index, result);
        return () => this.written(operation, index, result);
      },
      denied: (code) => checks.attempts.deny(name, code),
    });
  }

  private readRequest(operation: Operation, answer: Answer): (instance: Instance) => void {
    const { language } = this.setup;
    return this.query(operation, language.encodeRead(operation.key), answer, (index, result) => {
      const reading = language.decodeRead(result);
      this.checkReading(operation, index, reading);
      return () => this.read(operation, index, reading);
    });
  }

  private checkReading({ key, kind }: Operation, index: number, reading: Reading | null): void {
    const expected = this.setup.checks.attempts.model.read(key, index);
    demand(
      reading?.value === expected?.value && reading?.revision === expected?.revision,
      ruleOf(kind),
      () => `${this.id} reads ${JSON.stringify(reading)} of ${key} at ${index} instead of ${JSON.stringify(expected)}`,
    );
  }

  private written(operation: Operation, index: number, result: WriteResult): void {
    operation.index = index;
    this.revisions.set(operation.key, result.revision ?? 0);
    this.complete(operation);
  }

  private read(operation: Operation, index: number, reading: Reading | null): void {
    operation.index = index;
    operation.reading = reading;
    this.revisions.set(operation.key, reading?.revision ?? 0);
    this.complete(operation);
  }
}
