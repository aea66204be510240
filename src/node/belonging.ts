/** A node's place in its group: whether it is a member, who its peers are, and whom it listens to. */

import type { MemberStatus } from "../internal.ts";
import type { JoinRequest } from "../membership.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";
import { Enrolment } from "./enrolment.ts";
import { Gatekeeper, type Within } from "./gatekeeper.ts";
import { type HintOf, locationHintOf, memberStatuses } from "./member-status.ts";
import type { MembershipStorage, Retirement } from "./membership-storage.ts";
import { PeerIdentities } from "./peer-identities.ts";
import type { StoredNode } from "./storage.ts";

/** What the node around it says, and is told. */
export interface BelongingHost {
  readonly within: () => Omit<Within, "members">;
  readonly onRetired: (retirement: Retirement) => void;
  /** Where wrangler.toml says that a node's object is to be. */
  readonly listedHint: HintOf;
}

export class Belonging {
  readonly enrolment: Enrolment;
  readonly gatekeeper: Gatekeeper;
  private readonly self: NodeId;
  private readonly peers: PeerIdentities;
  private readonly host: BelongingHost;
  private configuration: Configuration;
  private readonly groupId: string;

  constructor(storage: MembershipStorage, { identity, configuration }: StoredNode, host: BelongingHost) {
    this.host = host;
    this.configuration = configuration;
    this.groupId = identity.groupId;
    this.self = identity.node;
    this.enrolment = new Enrolment(storage, identity, configuration, (retirement) => host.onRetired(retirement));
    this.peers = new PeerIdentities(storage, () => this.configuration);
    const within = (): Within => ({ ...host.within(), members: () => this.members });
    this.gatekeeper = new Gatekeeper(identity, this.enrolment, this.peers, within);
  }

  /** Who belongs to the group, as far as this node knows. */
  get members(): readonly MemberStatus[] {
    const told = this.enrolment.retirement?.members ?? [];
    return told.length > 0 ? told : memberStatuses(this.configuration, this.host.listedHint);
  }

  /** The members whose storages this node has yet to learn. */
  get strangers(): readonly NodeId[] {
    return this.peers.unknown(this.self);
  }

  /** Another configuration is in force. Answers whether this node may stand for election in it. */
  configured(configuration: Configuration): boolean {
    this.configuration = configuration;
    this.enrolment.configured(configuration);
    this.peers.configured(configuration);
    return this.enrolment.standing === "member";
  }

  hintOf(id: NodeId): string | undefined {
    return locationHintOf(this.configuration, id, this.host.listedHint);
  }

  /** What a newcomer has to know of the group. */
  joinRequest(appliedIndex: number, force: boolean): JoinRequest {
    const { voters, learners } = this.enrolment.first;
    const { groupId } = this;
    return { groupId, first: { voters, learners }, storageIds: this.peers.known(), appliedIndex, force };
  }
}
