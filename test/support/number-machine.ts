/** A state machine that lists the numbers it is given, and tells subscribers of each with its place in the list. */

import type { CommittedCommand, Sink, Sql, StateMachine, Subscription } from "../../src/machine.ts";

/** What a subscriber of numbers asks for. */
export interface NumbersRequest {
  /** The first place that is wanted; null for the next one. */
  readonly from: number | null;
  /** Whether the stream begins with `opened <count>`. */
  readonly opening: boolean;
  readonly binary: boolean;
  /** A stream to which more than this was written than its connection has taken ends with `slow`. */
  readonly maxPendingBytes: number;
  /** Whether `at <milliseconds>` is written when time has passed. */
  readonly ticks: boolean;
  /** The last place: behind it the stream ends. */
  readonly to: number | null;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function numbersRequest(request: Partial<NumbersRequest> = {}): Uint8Array {
  return encoder.encode(JSON.stringify(request));
}

interface Subscriber {
  readonly sink: Sink;
  readonly request: NumbersRequest;
  /** The next place. */
  next: number;
}

export class NumberMachine implements StateMachine {
  readonly tables = ["numbers"];
  private readonly sql: Sql;
  private readonly subscribers = new Set<Subscriber>();

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS numbers (place INTEGER PRIMARY KEY, number TEXT NOT NULL)");
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    return commands.map(({ command }) => {
      this.sql.exec("INSERT INTO numbers (number) VALUES (?)", decoder.decode(command));
      return encoder.encode(String(this.count()));
    });
  }

  query(): Uint8Array {
    return encoder.encode(String(this.count()));
  }

  subscribe(bytes: Uint8Array, sink: Sink): Subscription {
    const given = JSON.parse(decoder.decode(bytes)) as Partial<NumbersRequest>;
    const defaults = { from: null, opening: false, binary: false, maxPendingBytes: 1e9, ticks: false, to: null };
    const request: NumbersRequest = { ...defaults, ...given };
    const subscriber: Subscriber = { sink, request, next: request.from ?? this.count() + 1 };
    this.subscribers.add(subscriber);
    if (request.opening) this.write(subscriber, `opened ${this.count()}`);
    this.tell(subscriber);
    return {
      resumption: () => numbersRequest({ ...request, opening: false, from: subscriber.next }),
      close: () => void this.subscribers.delete(subscriber),
      ...(request.ticks && { tick: (nowMs: number) => this.write(subscriber, `at ${nowMs}`) }),
    };
  }

  publish(): void {
    for (const subscriber of this.subscribers) this.tell(subscriber);
  }

  private tell(subscriber: Subscriber): void {
    const { sink, request } = subscriber;
    const found = this.sql.exec<{ place: number; number: string }>(
      "SELECT * FROM numbers WHERE place >= ? ORDER BY place",
      subscriber.next,
    );
    for (const { place, number } of found) {
      if (sink.pendingBytes > request.maxPendingBytes) return this.end(subscriber, `slow ${subscriber.next}`);
      this.write(subscriber, `${place}=${number}`);
      subscriber.next = place + 1;
      if (place === request.to) return this.end(subscriber, "complete");
    }
  }

  private end(subscriber: Subscriber, reason: string): void {
    this.write(subscriber, reason);
    subscriber.sink.end();
    this.subscribers.delete(subscriber);
  }

  private write({ sink, request }: Subscriber, message: string): void {
    sink.write(request.binary ? encoder.encode(message) : message);
  }

  private count(): number {
    const [row] = this.sql.exec<{ count: number }>("SELECT count(*) AS count FROM numbers");
    return row?.count ?? 0;
  }
}
