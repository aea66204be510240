/** The storage as a node sees it, with a record of each transaction and a chance to crash at every step. */

import type { NodeStorage } from "../../../src/node/storage.ts";
import type { Entry, HardState } from "../../../src/raft/entry.ts";
import { emptyRecord, type WriteRecord } from "./write-record.ts";

export interface WriteListener {
  /** Between two steps; may throw, which ends the instance there. */
  step(what: string): void;
  /** The disk is being read; may throw too. */
  read(): void;
  /** A transaction begins. */
  began(record: WriteRecord): void;
  /** A transaction has been made; it is not durable yet. */
  wrote(record: WriteRecord): void;
}

/** Everything goes to `inner`; what the simulator has to know of it is noted on the way. */
export function recordingStorage(inner: NodeStorage, listener: WriteListener): NodeStorage {
  let record = emptyRecord();
  return interceptStorage(inner, {
    transaction: (work) => {
      record = emptyRecord();
      listener.step("before a transaction");
      listener.began(record);
      const result = inner.transaction(() => {
        const answer = work();
        listener.step("before the end of a transaction");
        return answer;
      });
      listener.wrote(record);
      listener.step("after a transaction");
      return result;
    },
    saveHardState: (hardState: HardState) => {
      inner.saveHardState(hardState);
      record.hardState = hardState;
      listener.step("after the hard state");
    },
    saveEntries: (entries: readonly Entry[]) => {
      inner.saveEntries(entries);
      if (entries.length === 0) return;
      record.entries = entries;
      listener.step("after entries");
    },
    saveAppliedIndex: (index) => {
      inner.saveAppliedIndex(index);
      record.appliedIndex = index;
      listener.step("after the applied index");
    },
    restore: (snapshot) => {
      inner.restore(snapshot);
      record.restored = snapshot;
      listener.step("after a snapshot");
    },
    compactTo: (point) => {
      inner.compactTo(point);
      record.compactedTo = point;
      listener.step("after forgetting the log");
    },
    term: (index) => {
      listener.read();
      return inner.term(index);
    },
    entries: (first, last, maxBytes) => {
      listener.read();
      return inner.entries(first, last, maxBytes);
    },
  });
}

/** A storage in which some methods are others, and the rest are those of `inner`. */
export function interceptStorage(inner: NodeStorage, methods: Partial<NodeStorage>): NodeStorage {
  return intercept(inner, methods);
}

/** An object in which some methods are others, and the rest are those of `inner`; `called` hears of each call first. */
export function intercept<Kind extends object>(
  inner: Kind,
  methods: Partial<Kind>,
  called: (name: string) => void = () => {},
): Kind {
  return new Proxy(inner, {
    get: (target, name) => {
      const method: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...inputs: readonly unknown[]): unknown => {
        called(String(name));
        return Reflect.apply(method, target, inputs);
      };
    },
  });
}
