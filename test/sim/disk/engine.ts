/** A disk with a node's storage and its state machine on it, as the simulator needs it. */

import type { StateMachine } from "../../../src/machine.ts";
import type { MembershipStorage } from "../../../src/node/membership-storage.ts";
import type { SnapshotStore } from "../../../src/node/snapshot-store.ts";
import type { Identity, NodeStorage, StoredNode } from "../../../src/node/storage.ts";
import type { Configuration } from "../../../src/raft/configuration.ts";
import type { NodeId } from "../../../src/raft/entry.ts";
import type { DurableImage } from "./durable-image.ts";

/** What an empty disk becomes at its first use. */
export interface Founding {
  readonly identity: Identity;
  /** The group's first configuration. */
  readonly configuration: Configuration;
  /** True for a node that a leader has asked to join. */
  readonly joined: boolean;
  /** The storages of its peers, as far as it was told of them. */
  readonly storageIds: Readonly<Record<NodeId, string>>;
}

export function firstOf(identity: Identity, configuration: Configuration): Founding {
  return { identity, configuration, joined: false, storageIds: {} };
}

/** A node that has just started from what its disk holds. */
export interface OpenedNode {
  readonly stored: StoredNode;
  readonly storage: NodeStorage;
  readonly snapshots: SnapshotStore;
  readonly membership: MembershipStorage;
  readonly machine: StateMachine;
  /** Makes the state machine anew, over a state that was replaced. */
  renewMachine(): StateMachine;
  /** All that the state machine holds, as text: equal states are equal texts. */
  content(): string;
}

/** Transactions follow one another; some of the last ones may not be durable yet. */
export interface DiskEngine {
  /** Whether anything is durable. */
  readonly exists: boolean;
  /** Starts a new incarnation; its writes are one transaction. */
  open(): OpenedNode;
  /** The oldest transaction that was not durable is durable now. */
  flushed(): void;
  /** Loses all transactions that are not durable. `image` is what the others have made of the node. */
  crash(image: DurableImage): void;
  close(): void;
}
