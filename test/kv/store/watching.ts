/** A reader of a watch that takes its messages when it is told to, and outlives the machines that serve it. */

import { text } from "./requests.ts";
import type { Item, WatchEvent, WatchMessage, WatchRequest } from "../../../src/kv/model.ts";
import type { Sink, StateMachine, Subscription } from "../../../src/machine.ts";
import { decodeWatchMessage, encodeWatchRequest } from "../../../src/kv/watch-codec.ts";

export class Reader implements Sink {
  pendingBytes = 0;
  mostPendingBytes = 0;
  ended = false;
  readonly messages: (WatchMessage | string)[] = [];
  /** A reader without end takes everything at once. */
  private readonly takesAll: boolean;
  private subscription: Subscription | null = null;

  constructor(takesAll = true) {
    this.takesAll = takesAll;
  }

  begin(machine: StateMachine, request: WatchRequest): this {
    return this.beginWith(machine, encodeWatchRequest(request));
  }

  beginWith(machine: StateMachine, request: Uint8Array): this {
    const subscription = machine.subscribe?.(request, this) ?? null;
    if (!this.ended) this.subscription = subscription;
    return this;
  }

  /** Another machine takes over. */
  goOn(machine: StateMachine): void {
    if (this.subscription !== null) this.beginWith(machine, this.subscription.resumption());
  }

  write(message: Uint8Array | string): void {
    if (this.ended) throw new Error("a message after the end");
    this.messages.push(typeof message === "string" ? message : decodeWatchMessage(message)!);
    if (!this.takesAll) this.pendingBytes += message.length;
    this.mostPendingBytes = Math.max(this.mostPendingBytes, this.pendingBytes);
  }

  end(): void {
    this.ended = true;
    this.subscription = null;
  }

  take(bytes = Number.POSITIVE_INFINITY): void {
    this.pendingBytes = Math.max(0, this.pendingBytes - bytes);
  }

  tick(nowMs: number): void {
    this.subscription?.tick?.(nowMs);
  }

  close(): void {
    this.subscription?.close();
    this.subscription = null;
  }

  get events(): WatchEvent[] {
    return this.messages.flatMap((message) =>
      typeof message !== "string" && message.type === "events" ? message.events : [],
    );
  }

  get last(): WatchMessage {
    const last = this.messages.at(-1);
    if (last === undefined || typeof last === "string") throw new Error("no message");
    return last;
  }

  /** The events in lines, and the other messages by their names. */
  get told(): string[] {
    return this.messages.flatMap((message) => {
      if (typeof message === "string") return [message];
      if (message.type !== "events") return [`${message.type} ${message.revision}`];
      return message.events.map(eventLine);
    });
  }
}

/** `put key=value@revision (before)`. */
export function eventLine({ type, item, previous }: WatchEvent): string {
  const was = previous === null ? "" : ` (${text(previous.value)})`;
  return `${type} ${lineOf(item)}${was}`;
}

function lineOf({ key, value, modRevision }: Item): string {
  return value === null ? `${text(key)}@${modRevision}` : `${text(key)}=${text(value)}@${modRevision}`;
}
