/** Which storage each peer is known by: the one that the group's configuration names, or the first one that was seen. */

import { type Configuration, isMember, members } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";
import { attributesOf } from "./attributes.ts";
import type { MembershipStorage } from "./membership-storage.ts";

/**
 * A node that has lost its storage has forgotten its votes and what it acknowledged: under its old name it could help to
 * elect a second leader, or to lose what was committed. So a node is its name and its storage together.
 */
export class PeerIdentities {
  private readonly storage: MembershipStorage;
  private readonly seen: Map<NodeId, string>;
  private readonly configuration: () => Configuration;

  /** @param configuration answers the configuration in force */
  constructor(storage: MembershipStorage, configuration: () => Configuration) {
    this.storage = storage;
    this.configuration = configuration;
    this.seen = storage.peers();
  }

  /** The storage that a peer is known by; null when nothing is known of it. */
  of(id: NodeId): string | null {
    return attributesOf(this.configuration(), id)?.storageId ?? this.seen.get(id) ?? null;
  }

  /** True if a peer with this storage is the one that is known, or the first one seen of a member. */
  accepts(id: NodeId, storageId: string): boolean {
    const known = this.of(id);
    if (known !== null) return known === storageId;
    if (isMember(this.configuration(), id)) {
      this.seen.set(id, storageId);
      this.storage.savePeer(id, storageId);
    }
    return true;
  }

  /** The members of which nothing is known: whoever has the name of one could be taken for it. */
  unknown(self: NodeId): readonly NodeId[] {
    return members(this.configuration()).filter((id) => id !== self && this.of(id) === null);
  }

  /** Everybody's storage, as far as it is known: for a node that joins. */
  known(): Record<NodeId, string> {
    const ids = members(this.configuration());
    return Object.fromEntries(
      ids.flatMap((id) => {
        const storageId = this.of(id);
        return storageId === null ? [] : [[id, storageId]];
      }),
    );
  }

  /** Another configuration is in force: whoever is no member may come back as somebody else. */
  configured(configuration: Configuration): void {
    for (const id of this.seen.keys()) {
      if (isMember(configuration, id)) continue;
      this.seen.delete(id);
      this.storage.forgetPeer(id);
    }
  }
}
