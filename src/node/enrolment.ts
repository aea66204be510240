/** Whether this node belongs to its group, as its configuration says or as it was told for good. */

import type { Standing } from "../membership.ts";
import { type Configuration, isMember } from "../raft/configuration.ts";
import { attributesOf } from "./attributes.ts";
import type { MembershipStorage, Retirement, StoredMembership } from "./membership-storage.ts";
import type { Identity } from "./storage.ts";

export class Enrolment {
  private readonly storage: MembershipStorage;
  private readonly identity: Identity;
  private readonly stored: StoredMembership;
  private admitted: boolean;
  private named: boolean;
  private retired: Retirement | null;
  private readonly onRetired: (retirement: Retirement) => void;

  constructor(
    storage: MembershipStorage,
    identity: Identity,
    configuration: Configuration,
    onRetired: (retirement: Retirement) => void,
  ) {
    this.storage = storage;
    this.identity = identity;
    this.stored = storage.read();
    this.admitted = this.stored.admitted;
    this.retired = this.stored.retirement;
    this.onRetired = onRetired;
    this.named = false;
    this.configured(configuration);
  }

  get standing(): Standing {
    if (this.retired !== null) return this.retired.standing;
    if (this.named) return "member";
    return this.admitted ? "removed" : "joining";
  }

  get retirement(): Retirement | null {
    return this.retired;
  }

  /** The group's first configuration. */
  get first(): Configuration {
    return this.stored.firstConfiguration;
  }

  get reason(): string | null {
    switch (this.standing) {
      case "member":
        return null;
      case "joining":
        return "the group has not made it a member yet";
      default:
        return this.retired?.reason ?? "the group's configuration no longer lists this node";
    }
  }

  /** Another configuration is in force. */
  configured(configuration: Configuration): void {
    this.named = this.isNamedBy(configuration);
    if (!this.named || this.admitted) return;
    this.admitted = true;
    this.storage.saveAdmitted();
  }

  /** Whether a change of who this node is still has a meaning for it: one that has left for good does not come back. */
  retire(retirement: Retirement): void {
    if (this.retired !== null) return;
    this.retired = retirement;
    this.storage.saveRetirement(retirement);
    this.onRetired(retirement);
  }

  /**
   * The group knows another storage by this node's name. Where the group itself has asked this storage to join, that
   * knowledge is merely old. Otherwise there was a storage before this one, and its votes and acknowledgements are lost.
   */
  replaced(by: string): void {
    if (this.stored.joined) return;
    this.retire({
      standing: "fenced",
      reason: `${by} knows this node by another storage: this one was made after the other was lost`,
      leader: null,
      members: [],
    });
  }

  /** A configuration may list another storage of the same name: one that was here before, or will be after this one. */
  private isNamedBy(configuration: Configuration): boolean {
    const { node, storageId } = this.identity;
    if (!isMember(configuration, node)) return false;
    const attributes = attributesOf(configuration, node);
    return attributes === null ? !this.stored.joined : attributes.storageId === storageId;
  }
}
