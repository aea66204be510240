/** Who leads an election, as another Worker reads it. */

import { RpcTarget } from "cloudflare:workers";
import { type Observed, observe } from "../api/coordination/observe.ts";
import type { Places } from "../api/coordination/places.ts";
import type { StoreClient } from "../api/store.ts";
import { holderOf } from "./coordination.ts";
import { answering } from "./failure.ts";
import type { Holder } from "./types.ts";

/** Who leads, null for nobody, and the store's revision when that was so. */
export interface Leadership {
  readonly leader: Holder | null;
  readonly revision: number;
}

/** To be bound by `using`, or closed. */
export class RaftObserver extends RpcTarget {
  private readonly end = new AbortController();
  private readonly observed: AsyncGenerator<Observed, void>;

  constructor(store: StoreClient, places: Places) {
    super();
    this.observed = observe(store, places, this.end.signal);
  }

  /** At first who leads now, then whoever does next, or does so with another value; null after it was closed. */
  next(): Promise<Leadership | null> {
    return answering(async () => {
      const step = await this.observed.next();
      if (step.done === true) return null;
      const { first, revision } = step.value;
      return { leader: first === undefined ? null : holderOf(first), revision };
    });
  }

  close(): void {
    this.end.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
