/** What one watcher was told, over all its connections: every event of its keys once, in order, and nothing else. */

import type { WatchEvent, WatchMessage, WatchRequest } from "../../../src/kv/model.ts";
import { eventLine } from "../../kv/store/watching.ts";
import type { StoreOracle } from "./store-oracle.ts";
import { demand } from "./violation.ts";

export class WatchRecord {
  private readonly id: string;
  private readonly request: WatchRequest;
  private readonly oracle: StoreOracle;
  /** The first revision of which it has not been told all; 0 while that is for the first node to say. */
  private next: number;
  /** What it has been told of that revision and of later ones. */
  private told: WatchEvent[] = [];

  constructor(id: string, request: WatchRequest, oracle: StoreOracle) {
    this.id = id;
    this.request = request;
    this.oracle = oracle;
    this.next = request.startRevision;
  }

  /** The request of a new connection: parts of a revision come again as a whole. */
  resumption(): WatchRequest {
    this.told = [];
    return { ...this.request, startRevision: this.next };
  }

  /** It has been told everything that there is to tell. */
  get isComplete(): boolean {
    return this.next > 0 && this.oracle.events(this.request, this.next).length === 0;
  }

  take(message: WatchMessage): void {
    const { oracle, id } = this;
    const { revision } = message;
    demand(revision <= oracle.revision, "watches", () => `${id} hears of ${revision}; ${oracle.revision} is committed`);
    switch (message.type) {
      case "created":
        if (this.next === 0) this.next = revision + 1;
        return;
      case "events":
        return this.takeEvents(message.events, revision, message.fragment);
      case "progress":
        return this.pass(revision + 1);
      case "canceled":
        return this.canceled(message);
    }
  }

  private takeEvents(events: readonly WatchEvent[], revision: number, isFragment: boolean): void {
    this.told.push(...events);
    if (!isFragment) {
      this.pass(revision + 1);
      return;
    }
    this.pass(revision);
    const told = this.told.map(lineOf);
    const expected = this.expectedBefore(revision + 1).slice(0, told.length);
    this.demandEqual(told, expected);
  }

  /** All that is before a revision must have been told. */
  private pass(revision: number): void {
    if (revision <= this.next) return;
    const told = this.told.filter(({ item }) => item.modRevision < revision).map(lineOf);
    this.demandEqual(told, this.expectedBefore(revision));
    this.told = this.told.filter(({ item }) => item.modRevision >= revision);
    this.next = revision;
  }

  private expectedBefore(revision: number): string[] {
    return this.oracle
      .events(this.request, this.next)
      .filter(({ item }) => item.modRevision < revision)
      .map(lineOf);
  }

  private demandEqual(told: readonly string[], expected: readonly string[]): void {
    demand(
      told.join("\n") === expected.join("\n"),
      "watches",
      () => `${this.id} is told ${told.join(", ")} from ${this.next} on instead of ${expected.join(", ")}`,
    );
  }

  private canceled({ reason, compactRevision, resumeRevision }: WatchMessage & { readonly type: "canceled" }): void {
    const { id, next, oracle } = this;
    const isRight =
      reason === "compacted"
        ? next < compactRevision && compactRevision <= oracle.compactRevision && resumeRevision === compactRevision
        : reason === "slow" && resumeRevision === next;
    demand(
      isRight,
      "watches",
      () => `${id}, told of all before ${next}, is cancelled: ${reason}, ${compactRevision}, on from ${resumeRevision}`,
    );
    this.next = resumeRevision;
    this.told = [];
  }
}

/** What was there before may be forgotten, and is not compared. */
function lineOf(event: WatchEvent): string {
  return eventLine({ ...event, previous: null });
}
