/** Which frames a node takes, and what it learns about itself from those that it or its peers refuse. */

import type { MemberStatus } from "../internal.ts";
import type { NodeId } from "../raft/entry.ts";
import { isFromLeader, type Message } from "../raft/message.ts";
import type { Enrolment } from "./enrolment.ts";
import type { Frame } from "./frame.ts";
import { type FrameRefusal, FrameRefusedError } from "./frame-refusal.ts";
import { generationOf } from "./identity.ts";
import type { PeerIdentities } from "./peer-identities.ts";
import { implausible } from "./plausibility.ts";
import type { Identity } from "./storage.ts";

/** What the gatekeeper sees of the node. */
export interface Within {
  readonly term: number;
  readonly leads: boolean;
  readonly leader: NodeId | null;
  readonly appliedIndex: number;
  members(): readonly MemberStatus[];
}

export class Gatekeeper {
  private readonly identity: Identity;
  private readonly enrolment: Enrolment;
  private readonly peers: PeerIdentities;
  private readonly within: () => Within;
  /** The storages of peers that know more of the group than this node does, until it has caught up. */
  private readonly ahead = new Map<NodeId, string>();

  constructor(identity: Identity, enrolment: Enrolment, peers: PeerIdentities, within: () => Within) {
    this.identity = identity;
    this.enrolment = enrolment;
    this.peers = peers;
    this.within = within;
  }

  /**
   * The storage that a frame to a peer is meant for; empty when it is not known. Who is ahead of this node is answered, and
   * asked for nothing: here it would still count as the one that had its name before.
   */
  storageIdOf(peer: NodeId, messages: readonly Message[]): string {
    const ahead = messages.every(isReply) ? this.ahead.get(peer) : undefined;
    return ahead ?? this.peers.of(peer) ?? "";
  }

  /** Throws a `FrameRefusedError` for a frame that is not meant for this node, or not from a member of its group. */
  check(frame: Frame): void {
    const { group, node, groupId, storageId } = this.identity;
    if (frame.groupId !== groupId) {
      this.considerGroup(frame.groupId, frame.from);
      throw refused({ code: "other_group", message: `group ${group} has another identity here`, groupId });
    }
    if (frame.to !== node) throw refused({ code: "bad_request", message: `this is node ${node}` });
    if (frame.toStorageId !== "" && frame.toStorageId !== storageId) {
      this.enrolment.replaced(frame.from);
      throw refused({ code: "replaced", message: `the storage of ${node} is not the one that ${frame.from} knows` });
    }
    this.checkStanding(frame);
    this.checkMessages(frame);
    if (this.peers.accepts(frame.from, frame.storageId)) {
      this.ahead.delete(frame.from);
    } else if (this.isAhead(frame)) {
      this.ahead.set(frame.from, frame.storageId);
    } else {
      const message = `${frame.from} is known here by another storage: remove it from the group and add it again`;
      throw refused({ code: "stranger", message });
    }
    this.checkAsker(frame);
  }

  /** Draws the conclusions of a peer's refusal. */
  consider(refusal: FrameRefusal, peer: NodeId): void {
    switch (refusal.code) {
      case "other_group":
        this.considerGroup(refusal.groupId, peer);
        break;
      case "stranger":
        this.enrolment.replaced(peer);
        break;
      case "removed":
        this.considerRemoval(refusal);
        break;
      case "bad_request":
      case "joining":
      case "fenced":
      case "replaced":
        break;
    }
  }

  private checkStanding({ toStorageId, from }: Frame): void {
    const { node } = this.identity;
    const { standing, reason } = this.enrolment;
    if (standing === "fenced" || standing === "superseded") {
      throw refused({ code: "fenced", message: `${node} takes no part: ${reason}` });
    }
    // Its vote would count for a node of the same name that was here before.
    if (standing === "joining" && toStorageId === "") {
      throw refused({
        code: "joining",
        message: `${node} waits to be made a member, and ${from} does not know of that`,
      });
    }
  }

  /**
   * A removed node that missed its removal asks for votes for ever, or as a learner for reads; at rest it sends a frame with
   * nothing in it, to learn of this. Only a leader can tell: to anybody else, a node that is not known may be one that was
   * added lately. Such a one may also lead by now, so nothing but a question is refused.
   */
  private checkAsker({ from, messages }: Frame): void {
    const within = this.within();
    const { leads, leader, appliedIndex } = within;
    if (!leads || leader === null) return;
    if (messages.some(({ type }) => type !== "requestVote" && type !== "readIndexRequest")) return;
    const members = within.members();
    if (members.some(({ id }) => id === from)) return;
    throw refused({ code: "removed", message: `${from} is no member of the group`, appliedIndex, leader, members });
  }

  /**
   * Whether a peer that is known here by another storage can only be one that was added again while this node was away. A
   * leader was elected by a majority that knows it; and a storage that nobody has added has no part of the committed log, let
   * alone more of it than this node. Without this a node could not catch up with a leader whose return it has missed.
   */
  private isAhead({ messages }: Frame): boolean {
    const { appliedIndex } = this.within();
    return (
      messages.length > 0 &&
      messages.every((message) => {
        return isFromLeader(message) || (message.type === "requestVote" && message.commitIndex > appliedIndex);
      })
    );
  }

  /** One number that can't be true, once it is believed and stored, would keep this node from its group for ever. */
  private checkMessages({ from, messages }: Frame): void {
    const { term } = this.within();
    const mistake = messages.map((message) => implausible(message, term)).find((found) => found !== null);
    if (mistake !== undefined) throw refused({ code: "bad_request", message: `${from} speaks of ${mistake}` });
  }

  private considerGroup(otherId: string, peer: NodeId): void {
    if (generationOf(otherId) <= generationOf(this.identity.groupId)) return;
    const reason = `the group lost its majority and was recovered without this node, as ${peer} says`;
    this.enrolment.retire({ standing: "superseded", reason, leader: null, members: [] });
  }

  /**
   * What is committed is the same everywhere, so a leader that is further in the log than this node knows its future: this
   * node, a member where it stands, is none any more.
   */
  private considerRemoval({ appliedIndex, leader, members }: Extract<FrameRefusal, { code: "removed" }>): void {
    if (this.enrolment.standing !== "member" || appliedIndex <= this.within().appliedIndex) return;
    const reason = `the group has removed this node, as its leader ${leader} says`;
    this.enrolment.retire({ standing: "removed", reason, leader, members });
  }
}

function isReply({ type }: Message): boolean {
  return type === "voteReply" || type === "appendReply" || type === "heartbeatReply";
}

function refused(refusal: FrameRefusal): FrameRefusedError {
  return new FrameRefusedError(refusal);
}
