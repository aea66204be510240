/** What the clients asked and were told in a run, as the checkers need it. */

import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { Operation } from "../../test/linearizability/history.ts";
import type { KeyValueAnswer, KeyValueCall } from "../../test/linearizability/key-value-call.ts";
import { keyValueModel } from "../../test/linearizability/key-value-model.ts";
import type { RevisionSeen } from "../../test/linearizability/revision-order.ts";
import type { Result } from "./face.ts";

export type KeyValueOperation = Operation<KeyValueCall, KeyValueAnswer>;

/** A read that need not be the newest, with what it was promised to hold. */
export interface StaleSeen {
  readonly client: string;
  readonly key: string;
  readonly promise: "any state" | "what its client has seen" | "what was acknowledged some time ago";
  readonly invokedAtMs: number;
  readonly atMs: number;
  readonly value: string | null;
  /** 0 for a missing key. */
  readonly revision: number;
  /** The revision that it must not be older than. */
  readonly floor: number;
}

export class Record {
  readonly operations: KeyValueOperation[] = [];
  readonly revisions: RevisionSeen[] = [];
  readonly stale: StaleSeen[] = [];
  readonly counts = { answered: 0, refused: 0, unknown: 0 };
  /** How many operations were answered over which API. */
  readonly faces = new Map<string, number>();
  /** When writes were acknowledged. */
  readonly acknowledgedMs: number[] = [];
  /** Of each key the newest revision that was acknowledged, at the times when that changed. */
  private readonly newest = new Map<string, { readonly atMs: number; readonly revision: number }[]>();

  add(client: string, call: KeyValueCall, invokedAtMs: number, atMs: number, result: Result): void {
    this.counts[result.kind] += 1;
    if (result.kind === "refused") return;
    const isRead = call.kind === "get" || call.kind === "list";
    if (result.kind === "unknown") {
      if (!isRead) this.operations.push({ client, call, invokedAtMs, completion: null });
      return;
    }
    const { answer, revision } = result;
    this.operations.push({ client, call, invokedAtMs, completion: { atMs, answer } });
    const isWrite = !keyValueModel.observes(call, answer);
    if (isWrite) this.acknowledgedMs.push(atMs);
    if (revision === undefined) return;
    this.revisions.push({ text: keyValueModel.describe(call, answer), invokedAtMs, atMs, revision, isWrite });
    if (answer.kind === "written" && call.kind === "put") this.wrote(call.key, atMs, revision);
  }

  countFace(name: string, { kind }: Result): void {
    if (kind === "answered") this.faces.set(name, (this.faces.get(name) ?? 0) + 1);
  }

  /** The newest revision of a key that was acknowledged before a time. */
  acknowledgedBefore(key: string, atMs: number): number {
    return this.newest.get(key)?.findLast((write) => write.atMs < atMs)?.revision ?? 0;
  }

  /** Writes everything to a file, one operation a line. */
  async save(path: string, header: object): Promise<void> {
    const file = createWriteStream(path);
    file.write(`${JSON.stringify(header)}\n`);
    for (const operation of this.operations) file.write(`${JSON.stringify(operation, mapsAsObjects)}\n`);
    for (const read of this.stale) file.write(`${JSON.stringify({ stale: read })}\n`);
    file.end();
    await finished(file);
  }

  private wrote(key: string, atMs: number, revision: number): void {
    const writes = this.newest.get(key) ?? [];
    this.newest.set(key, writes);
    if (revision > (writes.at(-1)?.revision ?? 0)) writes.push({ atMs, revision });
  }
}

function mapsAsObjects(_name: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
