/** The Durable Object that is a Raft node: it joins the platform's events to the node, and makes the node on first use. */

import { DurableObject } from "cloudflare:workers";
import { type Env, isIdentifier, readLogLimits, readMembers, readTiming } from "../env.ts";
import { internalHeader, internalOrigin, internalPath, objectName } from "../internal.ts";
import type { Sql, StateMachine } from "../machine.ts";
import { type JoinAnswer, recoveryConfirmation } from "../membership.ts";
import { defaultOptions } from "../raft/options.ts";
import { parseJson, readJoinRequest } from "./administrative-requests.ts";
import { AlarmTimer } from "./alarm-timer.ts";
import { answer, answerPeer, badRequest, refuse, refuseFrame } from "./answers.ts";
import { Belonging } from "./belonging.ts";
import { callee } from "./call-headers.ts";
import { answerClient } from "./client-calls.ts";
import { MonotonicClock } from "./clock.ts";
import { encodeFrame } from "./frame.ts";
import { FrameRefusedError } from "./frame-refusal.ts";
import { claimOn, type Claimed, claimRefusal, found, isConfirmed, join, recover } from "./founding.ts";
import { MembershipStorage } from "./membership-storage.ts";
import { log } from "./log-lines.ts";
import { Node } from "./node.ts";
import { PeerCalls } from "./peer-calls.ts";
import { encodePartAnswer } from "./snapshot-part.ts";
import { defaultSnapshotLimits } from "./snapshots.ts";
import { SqlSnapshots } from "./sql-snapshots.ts";
import { SqlStorage } from "./sql-storage.ts";
import type { StoredNode } from "./storage.ts";
import { Subscribers } from "./subscribers.ts";

interface Running {
  readonly node: Node;
  readonly calls: PeerCalls;
}

/**
 * A node of a Raft group. Extend it with the state machine to replicate:
 *
 *     export class CounterNode extends ReplicatedObject {
 *       protected override createStateMachine(sql: Sql): StateMachine {
 *         return new Counter(sql);
 *       }
 *     }
 *
 * The object's name is `group/node`. Its class must be bound as `RAFT_NODE`, with SQLite storage (`new_sqlite_classes`).
 * The state machine's tables must not begin with `raft_`.
 */
export abstract class ReplicatedObject extends DurableObject<Env> {
  private sqlStorage: SqlStorage;
  private membershipStorage: MembershipStorage;
  private readonly subscribers: Subscribers;
  private running: Running | null = null;
  private whyNotStarted: string | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.sqlStorage = this.openStorage();
    this.membershipStorage = new MembershipStorage(ctx.storage.sql);
    this.subscribers = new Subscribers(ctx, () => this.running?.node ?? null);
  }

  /** Makes the state machine over this node's SQL storage. It may create its tables here. */
  protected abstract createStateMachine(sql: Sql): StateMachine;

  override async alarm(): Promise<void> {
    const running = this.resume();
    // An object without a node has nothing to wait for.
    if (running !== null) running.node.alarm();
  }

  override webSocketMessage(socket: WebSocket): void {
    this.resume();
    this.subscribers.message(socket);
  }

  override webSocketClose(socket: WebSocket): void {
    this.resume();
    this.subscribers.closed(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.resume();
    this.subscribers.closed(socket);
  }

  override async fetch(request: Request): Promise<Response> {
    const path = request.url.slice(internalOrigin.length);
    const body = new Uint8Array(await request.arrayBuffer());
    const mistake = this.misaddressed(request);
    if (mistake !== null) return badRequest(mistake, this.resume()?.node.answeredBy() ?? null);
    if (path === internalPath.join) return await this.join(request, body);
    const running = this.resume() ?? this.found(request);
    if (typeof running === "string") return badRequest(running, null);
    const { node, calls } = running;
    if (path === internalPath.raft) return this.exchange(body, node, calls);
    if (path === internalPath.snapshot) return this.takePart(body, node, calls);
    node.catchUp();
    if (path === internalPath.recover) return this.recover(parseJson(body), node);
    return await answerClient({ request, path, body }, node, this.subscribers);
  }

  private exchange(body: Uint8Array, node: Node, calls: PeerCalls): Response {
    return answerFrame(node, () => {
      const { from, messages } = calls.read(body);
      const replies = node.driver.receive(messages, from, node.nowMs());
      return encodeFrame(calls.frame(from, replies));
    });
  }

  private takePart(body: Uint8Array, node: Node, calls: PeerCalls): Response {
    return answerFrame(node, () => {
      const part = calls.readPart(body);
      const answered = node.receivePart(part);
      return encodePartAnswer(calls.frame(part.message.from, answered.messages), answered);
    });
  }

  /** The node that is running, or the one that this object's storage holds; null when there is none. */
  private resume(): Running | null {
    if (this.running !== null) return this.running;
    try {
      const stored = this.sqlStorage.open();
      if (stored !== null) this.start(stored);
    } catch (error) {
      this.failedToStart(error instanceof Error ? error.message : String(error));
      throw error;
    }
    return this.running;
  }

  /** To whoever calls it an object that can't start is only one that can't be reached: the log says why, once. */
  private failedToStart(reason: string): void {
    if (reason === this.whyNotStarted) return;
    this.whyNotStarted = reason;
    const [group = "", node = ""] = (this.ctx.id.name ?? "").split("/");
    log({ event: "start_failed", group, node, reason });
  }

  /** Makes the storage of a new node and starts it; answers what is wrong if it must not be made. */
  private found({ headers }: Request): Running | string {
    const { group, node } = callee(headers);
    if (!isIdentifier(group)) return "A group's name is needed.";
    const mistake = found(this.sqlStorage, this.membershipStorage, this.env, group, node);
    return mistake ?? this.resume() ?? "The node could not be made.";
  }

  /** A leader asks this object to wait to become a member of its group, whatever it has been before. */
  private async join({ headers }: Request, body: Uint8Array): Promise<Response> {
    const { group, node } = callee(headers);
    if (!isIdentifier(group) || !isIdentifier(node)) return badRequest("A group and a node have to be named.", null);
    const request = readJoinRequest(body);
    if (request === null) return badRequest("The body does not say which group is to be joined.", null);
    const before = this.resume();
    const claim = before === null ? "replace" : claimOn(claimed(before.node), request);
    if (claim === "other group" || claim === "knows more") {
      const message = claimRefusal(claim, node);
      return refuse({ code: "node_in_use", message, ambiguous: false }, before?.node.answeredBy() ?? null);
    }
    if (claim === "replace") {
      if (before !== null) await this.clear(before.node);
      join(this.sqlStorage, this.membershipStorage, { group, node }, request);
    }
    const running = this.resume();
    if (running === null) return badRequest("The node could not be made.", null);
    const answered: JoinAnswer = { storageId: running.node.stored.identity.storageId };
    return answer(JSON.stringify(answered), running.node.answeredBy(), "application/json");
  }

  private recover(request: unknown, node: Node): Response {
    const outside = node.outsider();
    if (outside !== null) return refuse(outside, node.answeredBy());
    if (!isConfirmed(request, node.stored.identity.node)) {
      const message = `The request must name this node and say: ${recoveryConfirmation}`;
      return refuse({ code: "not_confirmed", message, ambiguous: false }, node.answeredBy());
    }
    const { term, log: entries } = node.driver.raft;
    const { appliedIndex, lastIndex } = entries;
    const now = { term, appliedIndex, lastIndex, timeMs: entries.timeMs(lastIndex) };
    node.stop();
    this.running = null;
    const recovered = recover(this.sqlStorage, this.membershipStorage, node.stored, now);
    node.recovered(recovered);
    const running = this.resume()?.node ?? node;
    return answer(JSON.stringify(recovered), running.answeredBy(), "application/json");
  }

  /** Ends the node and forgets all that it had stored. */
  private async clear(node: Node): Promise<void> {
    node.stop();
    this.running = null;
    // Nothing else reaches this object until it is done: an input gate is closed while its storage works.
    await this.ctx.storage.deleteAll();
    this.sqlStorage = this.openStorage();
    this.membershipStorage = new MembershipStorage(this.ctx.storage.sql);
  }

  private openStorage(): SqlStorage {
    const { storage } = this.ctx;
    // A turn has no `await` in it, so the platform commits its writes together or, when the turn aborts the object, loses
    // them together: a savepoint inside it would only cost time (Durable Objects docs, "Automatic write coalescing").
    return new SqlStorage(storage.sql, (work) => work());
  }

  /** What is wrong when a call is not of this protocol or is meant for another node than this; null when nothing is. */
  private misaddressed(request: Request): string | null {
    // A WebSocket can't be asked for in any other way.
    const opensSocket = request.method === "GET" && request.headers.has(internalHeader.subscription);
    if (request.method !== "POST" && !opensSocket) return "Internal calls are POST requests.";
    const { group, node } = callee(request.headers);
    // Two objects that both are one node would have two votes. The name is missing when the call came from another
    // process of a local cluster (seen in workerd, 2026-11).
    const name = this.ctx.id.name ?? null;
    const running = this.resume();
    if (running === null) return name === null || name === objectName(group, node) ? null : `This object is ${name}.`;
    const { identity } = running.node.stored;
    if (group !== identity.group) return `This node belongs to the group ${identity.group}.`;
    return node === identity.node ? null : `This is the node ${identity.node}.`;
  }

  private start(stored: StoredNode): void {
    const { ctx, env, sqlStorage } = this;
    const timing = readTiming(env);
    const clock = new MonotonicClock();
    const callTimeoutMs = Math.min(Math.max(2 * timing.electionMaxMs, leastCallTimeoutMs), mostCallTimeoutMs);
    const listed = new Map(readMembers(env).map(({ id, locationHint }) => [id, locationHint]));
    const belonging = new Belonging(this.membershipStorage, stored, {
      within: () => node.within(),
      onRetired: (retirement) => node.retired(retirement),
      listedHint: (id) => listed.get(id),
    });
    const hintOf = (id: string): string | undefined => belonging.hintOf(id);
    const calls = new PeerCalls(env.RAFT_NODE, stored, hintOf, belonging.gatekeeper, callTimeoutMs);
    const sql = sqlStorage.counted(ctx.storage.sql);
    const createMachine = (): StateMachine => this.createStateMachine(sql);
    const node = new Node(
      stored,
      { ...defaultOptions, ...timing },
      {
        storage: sqlStorage,
        snapshots: new SqlSnapshots(sql),
        limits: { ...defaultSnapshotLimits, ...readLogLimits(env) },
        machine: createMachine(),
        renewMachine: createMachine,
        clock,
        timer: new AlarmTimer(ctx.storage, clock),
        random: Math.random,
        belonging,
        join: ({ id, locationHint }, request) => calls.join(id, locationHint, request),
        call: (to, messages) => calls.call(to, messages),
        sendPart: (to, part) => calls.sendPart(to, part),
        endCalls: () => calls.end(),
        abort: (reason) => ctx.abort(reason),
        rowsWritten: () => sqlStorage.rowsWritten,
      },
    );
    this.running = { node, calls };
    this.subscribers.resume(node);
  }
}

/** Answers a peer's frame, or refuses it. */
function answerFrame(node: Node, take: () => BodyInit): Response {
  try {
    const frame = take();
    // Not before: the frame may bring the leader's contact, which moves the deadline.
    node.catchUp();
    return answerPeer(frame, node.stored.identity.node);
  } catch (error) {
    if (!(error instanceof FrameRefusedError)) throw error;
    node.refusedFrame(error.refusal);
    return refuseFrame(error.refusal, node.answeredBy());
  }
}

const leastCallTimeoutMs = 1000;
const mostCallTimeoutMs = 10_000;

function claimed({ stored, belonging, driver }: Node): Claimed {
  const { appliedIndex, lastIndex } = driver.raft.log;
  return { groupId: stored.identity.groupId, standing: belonging.enrolment.standing, appliedIndex, lastIndex };
}
