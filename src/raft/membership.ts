/** The configuration in force, and how it comes into force. */

import { assert } from "./assert.ts";
import { changeConfiguration } from "./configuration-change.ts";
import type { Configuration } from "./configuration.ts";
import type { Entry } from "./entry.ts";

export class Membership {
  private inForce: Configuration;
  private saved: Configuration;

  constructor(stored: Configuration) {
    this.inForce = stored;
    this.saved = stored;
  }

  get configuration(): Configuration {
    return this.inForce;
  }

  /** A change comes into force when its entry is applied (etcd's rule). */
  apply({ index, change }: Entry): void {
    if (change === undefined) return;
    // On nothing it would make a group of those that it adds, beside the one that they were added to.
    const known = this.inForce.voters.length > 0 || change.transition === "forced";
    assert(known, `the change at ${index} reached a node that does not know its group`);
    const outcome = changeConfiguration(this.inForce, change);
    assert(outcome.changed, `the change at ${index} was committed but is not possible`);
    this.inForce = outcome.configuration;
  }

  /** Takes the configuration of a snapshot, which is made durable as part of it. */
  restore(configuration: Configuration): void {
    this.inForce = configuration;
    this.saved = configuration;
  }

  /** Hands out what is to be made durable, null when nothing changed; from then on it counts as durable. */
  takeUnsaved(): Configuration | null {
    if (this.inForce === this.saved) return null;
    this.saved = this.inForce;
    return this.inForce;
  }
}
