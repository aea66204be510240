/** A group as the Worker in front calls it: commands, reads, streams and administration, at the leader or at any node. */

import { internalPath } from "../internal.ts";
import type { MemberSpecification } from "../internal.ts";
import { GroupCalls, nodeCall } from "./group-calls.ts";
import type { NodeAttempt } from "./group-calls.ts";
import { LeaderCalls } from "./leader-calls.ts";
import type { NodeAnswer } from "./leader-calls.ts";
import { firstDiscoveryMs } from "./leader-search.ts";
import type { Attempt, NodeCall, ReadBounds } from "./node-call.ts";
import { queryNodes } from "./node-query.ts";
import type { NodeQuery } from "./node-query.ts";
import type { Position } from "./position.ts";
import { proposeAll } from "./proposals.ts";
import type { BatchAnswer } from "./proposals.ts";
import type { SubscribeRequest } from "./reach.ts";
import { openStream } from "./subscription.ts";
import type { MessageStream, SubscribeOptions } from "./subscription.ts";
import { openSocket } from "./socket.ts";
import type { Target } from "./target.ts";

export type { NodeAttempt } from "./group-calls.ts";
export type { NodeAnswer } from "./leader-calls.ts";
export type { BatchAnswer } from "./proposals.ts";
export type { SubscribeRequest } from "./reach.ts";
export type { MessageStream, SubscribeOptions } from "./subscription.ts";

/** What a leader is asked about its own group. */
export type AdministrationPath = typeof internalPath.members | typeof internalPath.transfer;

const encoder = new TextEncoder();

export class ClusterClient {
  private readonly nodes = new GroupCalls();
  private readonly leaders = new LeaderCalls(this.nodes);

  /** Where a group stood when a node of it last answered this isolate; that node has no part in what is answered now. */
  lastPosition(group: string): Position | undefined {
    const position = this.nodes.lastPosition(group);
    return position && { ...position, node: "" };
  }

  /** The nodes of a group: as the group itself has said, or as wrangler.toml lists those of a new one. */
  members(target: Target): readonly MemberSpecification[] {
    return this.nodes.members(target);
  }

  /** Asks the leader for a change of its group. */
  administer(target: Target, path: AdministrationPath, request: unknown): Promise<NodeAnswer> {
    const body = encoder.encode(JSON.stringify(request));
    return this.leaders.ask(target, { path, body, repeatable: false });
  }

  /** Asks one node, whether or not it leads or is known. */
  askNode(target: Target, node: string, path: NodeCall["path"], request: unknown): Promise<Attempt> {
    const body = encoder.encode(JSON.stringify(request));
    const member = this.members(target).find(({ id }) => id === node) ?? { id: node, role: "voter" };
    return this.nodes.call(member, nodeCall(target, path, body, "stale", target.timeoutMs));
  }

  /** Replicates a command. `repeatable` says that it carries an idempotency key. */
  propose(target: Target, command: Uint8Array, repeatable: boolean): Promise<NodeAnswer> {
    return this.leaders.ask(target, { path: internalPath.propose, body: command, repeatable });
  }

  /**
   * Replicates up to `maxBatchCommands` commands of `maxBatchBytes` together, each an entry of its own; answers what became
   * of each, in their order. `repeatable` says that all of them carry idempotency keys: then those whose outcome is unknown
   * are sent again, too. Throws an `ApiError` for too many or too large commands alone; nothing has happened then.
   */
  proposeAll(target: Target, commands: readonly Uint8Array[], repeatable: boolean): Promise<BatchAnswer> {
    return proposeAll(this.nodes, this.leaders, target, commands, repeatable);
  }

  /** A linearizable read at the leader. */
  query(target: Target, query: Uint8Array, bounds: ReadBounds = {}): Promise<NodeAnswer> {
    return this.leaders.ask(target, { path: internalPath.query, body: query, repeatable: true, bounds });
  }

  /** A read at the first of some nodes that answers it. */
  queryNodes(target: Target, query: NodeQuery): Promise<NodeAnswer> {
    return queryNodes(this.nodes, this.leaders, target, query);
  }

  /**
   * Opens a stream of the state machine's messages at some node, within the target's time, and goes on at another node when
   * one fails. Throws an `ApiError` when none can serve it.
   */
  subscribe(target: Target, options: SubscribeOptions): Promise<MessageStream> {
    return openStream(this.nodes, this.leaders, target, options);
  }

  /**
   * Opens a WebSocket of the state machine's messages at some node; the answer has status 101, its `webSocket`, and the
   * node's position in its headers. Throws an `ApiError` when no node can serve it.
   */
  subscribeSocket(target: Target, request: SubscribeRequest): Promise<Response> {
    return openSocket(this.nodes, this.leaders, target, request);
  }

  /** Asks every node at once, none of them for longer than `limitMs`. */
  async callAll(target: Target, path: NodeCall["path"], limitMs: number): Promise<NodeAttempt[]> {
    const timeoutMs = Math.min(target.timeoutMs, limitMs);
    const call = nodeCall(target, path, null, "stale", timeoutMs);
    // The status of any node tells of those that wrangler.toml does not list.
    if (path !== internalPath.status && this.nodes.toldMembers(target.group) === undefined) {
      await this.leaders.askAll(target, Math.min(timeoutMs, firstDiscoveryMs));
    }
    const asked = await this.nodes.callEach(this.members(target), call);
    const told = this.members(target).filter(({ id }) => !asked.some(({ member }) => member.id === id));
    const all = [...asked, ...(await this.nodes.callEach(told, call))];
    if (all.every(({ attempt }) => attempt.kind === "unreachable")) this.nodes.forgetMembers(target.group);
    const members = this.members(target);
    return all.filter(({ member }) => members.some(({ id }) => id === member.id));
  }
}
