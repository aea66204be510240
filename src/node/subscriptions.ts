/** The subscribers of a node: each is served by whichever state machine the node has, until one of the two is gone. */

import type { Sink, StateMachine, Subscription } from "../machine.ts";
import type { Refused } from "./waiters.ts";

/** The connection to a subscriber, as the host of the node makes it. */
export interface Outlet {
  /** How many bytes of earlier messages the connection has not taken yet. */
  readonly pendingBytes: number;
  /** That a connection has failed is not told before this has returned. */
  write(message: Uint8Array | string): void;
  /** The state machine has said all that there is to say. */
  end(): void;
  /** The node serves this subscriber no longer: another one may. */
  breakOff(): void;
  /** Remembers how to go on, where the connection outlives the node's memory. */
  keep?(resumption: Uint8Array): void;
  /** Time has passed. */
  tick?(nowMs: number): void;
}

/** How many subscribers a node serves at most. */
export const maxSubscriptions = 10_000;

/** How often at most subscriptions are told of the time, and it is remembered how those go on that say nothing. */
const tickMs = 1000;

/**
 * Who is served by a node that hears of no leader for so long is to look for another one: it may be cut off from a group
 * that goes on without it.
 */
export const maxOutOfTouchMs = 10_000;

export class Subscriptions {
  private machine: StateMachine;
  private readonly all = new Set<Subscriber>();
  /** To whom something was written since it was last remembered how they go on. */
  private readonly told = new Set<Subscriber>();
  /** The state has changed since it was last remembered how those go on to whom nothing was written. */
  private outdated = false;
  private lastTickMs = Number.NEGATIVE_INFINITY;
  private outOfTouchSinceMs: number | null = null;

  constructor(machine: StateMachine) {
    this.machine = machine;
  }

  get count(): number {
    return this.all.size;
  }

  /** Whether some wait for time to pass. */
  get areOwedMessages(): boolean {
    return this.machine.owesMessages?.() === true;
  }

  /** Why nobody else can be served; null if somebody can. */
  get refusal(): Refused | null {
    if (this.machine.subscribe === undefined) return noSubscriptions;
    return this.count < maxSubscriptions ? null : tooManySubscriptions;
  }

  /** Serves a subscriber with what `request` asks for. Answers what ends that. */
  open(request: Uint8Array, outlet: Outlet): () => void {
    const subscriber: Subscriber = new Subscriber(outlet, {
      onWrite: () => void this.told.add(subscriber),
      onGone: () => {
        this.all.delete(subscriber);
        this.told.delete(subscriber);
      },
    });
    // Time has been looked at for those who are here alone.
    if (this.all.size === 0) this.outOfTouchSinceMs = null;
    subscriber.begin(this.machine, request);
    if (subscriber.isServed) this.all.add(subscriber);
    subscriber.keep();
    return () => subscriber.leave();
  }

  /** Commands were applied and stored by this state machine, or it has taken the place of another. */
  published(machine: StateMachine): void {
    if (machine !== this.machine) {
      this.machine = machine;
      for (const subscriber of this.all) subscriber.goOn(machine);
    }
    machine.publish?.();
    this.outdated = true;
    this.keepTold();
  }

  /** Some time may have passed, and the node is in touch with its group, or is not. */
  tick(nowMs: number, isInTouch = true): void {
    if (isInTouch) this.outOfTouchSinceMs = null;
    else this.outOfTouchSinceMs ??= nowMs;
    if (this.outOfTouchSinceMs !== null && nowMs - this.outOfTouchSinceMs >= maxOutOfTouchMs) this.breakOff();
    if (this.all.size === 0 || nowMs - this.lastTickMs < tickMs) return;
    this.lastTickMs = nowMs;
    for (const subscriber of this.all) subscriber.tick(nowMs);
    this.keepTold();
    if (!this.outdated) return;
    // Those to whom nothing is written go on from an ever later place, too; what came before that may be forgotten.
    this.outdated = false;
    for (const subscriber of this.all) subscriber.keep();
  }

  /** The node serves nobody any more. */
  breakOff(): void {
    for (const subscriber of this.all) subscriber.breakOff();
  }

  private keepTold(): void {
    for (const subscriber of this.told) subscriber.keep();
    this.told.clear();
  }
}

interface SubscriberHost {
  onWrite(): void;
  onGone(): void;
}

class Subscriber {
  private readonly outlet: Outlet;
  private readonly host: SubscriberHost;
  private feed: Feed | null = null;
  private subscription: Subscription | null = null;

  constructor(outlet: Outlet, host: SubscriberHost) {
    this.outlet = outlet;
    this.host = host;
  }

  get isServed(): boolean {
    return this.subscription !== null;
  }

  begin(machine: StateMachine, request: Uint8Array): void {
    const feed = new Feed(this.outlet, {
      onWrite: () => this.host.onWrite(),
      onEnd: () => this.forget(),
    });
    this.feed = feed;
    const subscription = machine.subscribe?.(request, feed) ?? null;
    // It may have ended as soon as it began.
    this.subscription = feed.open ? subscription : null;
  }

  /** Another state machine takes over. */
  goOn(machine: StateMachine): void {
    const { subscription, feed } = this;
    if (subscription === null || feed === null) return;
    feed.open = false;
    this.begin(machine, subscription.resumption());
  }

  /** Remembers how to go on. */
  keep(): void {
    if (this.subscription !== null) this.outlet.keep?.(this.subscription.resumption());
  }

  tick(nowMs: number): void {
    this.subscription?.tick?.(nowMs);
    if (this.subscription !== null) this.outlet.tick?.(nowMs);
  }

  /** The connection is gone. */
  leave(): void {
    const { subscription } = this;
    this.forget();
    subscription?.close();
  }

  breakOff(): void {
    this.leave();
    this.outlet.breakOff();
  }

  private forget(): void {
    if (this.feed !== null) this.feed.open = false;
    this.subscription = null;
    this.host.onGone();
  }
}

interface FeedHost {
  onWrite(): void;
  onEnd(): void;
}

/** What one state machine writes to a subscriber: nothing any more when another machine writes there. */
class Feed implements Sink {
  open = true;
  private readonly outlet: Outlet;
  private readonly host: FeedHost;

  constructor(outlet: Outlet, host: FeedHost) {
    this.outlet = outlet;
    this.host = host;
  }

  get pendingBytes(): number {
    return this.outlet.pendingBytes;
  }

  write(message: Uint8Array | string): void {
    if (!this.open) return;
    this.host.onWrite();
    this.outlet.write(message);
  }

  end(): void {
    if (!this.open) return;
    this.host.onEnd();
    this.outlet.end();
  }
}

const noSubscriptions: Refused = {
  done: false,
  code: "bad_request",
  message: "The state machine offers no subscriptions.",
  ambiguous: false,
};

const tooManySubscriptions: Refused = {
  done: false,
  code: "overloaded",
  message: `This node serves ${maxSubscriptions} subscribers, and no more.`,
  ambiguous: false,
};
