/** A disk with a node's storage and its state machine on it, as the simulator needs it. */

import type { StateMachine } from "../../../src/machine.ts";
import type { SnapshotStore } from "../../../src/node/snapshot-store.ts";
import type { NodeStorage, StoredNode } from "../../../src/node/storage.ts";
import type { DurableImage } from "./durable-image.ts";

/** A node that has just started from what its disk holds. */
export interface OpenedNode {
  readonly stored: StoredNode;
  readonly storage: NodeStorage;
  readonly snapshots: SnapshotStore;
  readonly machine: StateMachine;
  /** Makes the state machine anew, over a state that was replaced. */
  renewMachine(): StateMachine;
  /** All that the state machine holds, as text: equal states are equal texts. */
  content(): string;
}

/** Transactions follow one another; some of the last ones may not be durable yet. */
export interface DiskEngine {
  /** Starts a new incarnation; its writes are one transaction. */
  open(): OpenedNode;
  /** The oldest transaction that was not durable is durable now. */
  flushed(): void;
  /** Loses all transactions that are not durable. `image` is what the others have made of the node. */
  crash(image: DurableImage): void;
  close(): void;
}
