/** The Durable Object that is a Raft node: it joins the platform's events to the node, and makes the node on first use. */

import { DurableObject } from "cloudflare:workers";
import { type Env, isIdentifier, readMembers, readTiming } from "../env.ts";
import { type Consistency, internalHeader, internalOrigin, internalPath, objectName } from "../internal.ts";
import type { Sql, StateMachine } from "../machine.ts";
import { defaultOptions } from "../raft/options.ts";
import { AlarmTimer } from "./alarm-timer.ts";
import { answer, answerPeer, type AnsweredBy, badRequest, refuse } from "./answers.ts";
import { MonotonicClock } from "./clock.ts";
import { firstConfiguration, newIdentity } from "./identity.ts";
import { Node } from "./node.ts";
import { FrameRefusedError, PeerCalls } from "./peer-calls.ts";
import { encodeFrame } from "./frame.ts";
import { SqlStorage } from "./sql-storage.ts";
import type { StoredNode } from "./storage.ts";
import type { Outcome } from "./waiters.ts";

/** The most bytes that a command may have: a row of SQLite holds 2 MB on Cloudflare, and an entry is in one row. */
export const maxCommandBytes = 1_800_000;

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
  private readonly sqlStorage: SqlStorage;
  private running: { readonly node: Node; readonly calls: PeerCalls } | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.sqlStorage = new SqlStorage(ctx.storage.sql, (work) => ctx.storage.transactionSync(work));
  }

  /** Makes the state machine over this node's SQL storage. It may create its tables here. */
  protected abstract createStateMachine(sql: Sql): StateMachine;

  override async alarm(): Promise<void> {
    const running = this.resume();
    // An object without a node has nothing to wait for.
    if (running !== null) running.node.alarm();
  }

  override async fetch(request: Request): Promise<Response> {
    const path = request.url.slice(internalOrigin.length);
    const body = new Uint8Array(await request.arrayBuffer());
    const running = this.resume() ?? this.found(request);
    if (typeof running === "string") return badRequest(running, null);
    const { node, calls } = running;
    const mistake = misdirected(request, node.stored);
    if (mistake !== null) return badRequest(mistake, node.answeredBy());
    if (path === internalPath.raft) return this.exchange(body, node, calls);
    node.catchUp();
    switch (path) {
      case internalPath.propose: {
        if (body.length > maxCommandBytes) {
          const message = `a command holds ${maxCommandBytes} bytes at most`;
          return refuse({ code: "too_large", message, ambiguous: false }, node.answeredBy());
        }
        return respond(await node.propose(body, timeoutMs(request)), node);
      }
      case internalPath.query:
        return respond(await node.query(body, consistency(request), timeoutMs(request)), node);
      case internalPath.status:
        this.rouse(request, node);
        return answer(JSON.stringify(node.status()), node.answeredBy(), "application/json");
      case internalPath.metrics:
        return answer(node.metricsText(), node.answeredBy(), "text/plain");
      default:
        return badRequest("no such call", node.answeredBy());
    }
  }

  private rouse({ headers }: Request, node: Node): void {
    const suspect = headers.get(internalHeader.suspect);
    if (suspect !== null) node.driver.rouse(suspect === "" ? null : suspect, node.nowMs());
  }

  private exchange(body: Uint8Array, node: Node, calls: PeerCalls): Response {
    try {
      const { from, messages } = calls.read(body);
      const replies = node.driver.receive(messages, from, node.nowMs());
      // Not before: the frame may bring the leader's contact, which moves the deadline.
      node.catchUp();
      return answerPeer(encodeFrame(calls.frame(from, replies)), node.stored.identity.node);
    } catch (error) {
      if (error instanceof FrameRefusedError) return badRequest(error.message, node.answeredBy());
      throw error;
    }
  }

  /** The node that is running, or the one that this object's storage holds; null when there is none. */
  private resume(): { readonly node: Node; readonly calls: PeerCalls } | null {
    if (this.running === null) {
      const stored = this.sqlStorage.open();
      if (stored !== null) this.start(stored);
    }
    return this.running;
  }

  /** Makes the storage of a new node and starts it; answers what is wrong if it must not be made. */
  private found(request: Request): { readonly node: Node; readonly calls: PeerCalls } | string {
    const group = request.headers.get(internalHeader.group) ?? "";
    const node = request.headers.get(internalHeader.node) ?? "";
    if (!isIdentifier(group)) return "a group's name is needed";
    // Two objects that both are one node would have two votes. The name is missing when the call came from another
    // process of a local cluster (seen in workerd, 2026-11).
    const name = this.ctx.id.name ?? null;
    if (name !== null && name !== objectName(group, node)) return `this object is ${name}`;
    const configuration = firstConfiguration(readMembers(this.env));
    if (![...configuration.voters, ...configuration.learners].includes(node)) return "no such node in RAFT_MEMBERS";
    this.sqlStorage.create(newIdentity(group, node, configuration, Math.random), configuration);
    return this.resume() ?? "the node could not be made";
  }

  private start(stored: StoredNode): void {
    const { ctx, env, sqlStorage } = this;
    const timing = readTiming(env);
    const clock = new MonotonicClock();
    const callTimeoutMs = Math.min(Math.max(2 * timing.electionMaxMs, leastCallTimeoutMs), mostCallTimeoutMs);
    const calls = new PeerCalls(env.RAFT_NODE, stored, readMembers(env), callTimeoutMs);
    const machine = this.createStateMachine(sqlStorage.counted(ctx.storage.sql));
    const node = new Node(
      stored,
      { ...defaultOptions, ...timing },
      {
        storage: sqlStorage,
        machine,
        clock,
        timer: new AlarmTimer(ctx.storage, clock),
        random: Math.random,
        call: (to, messages) => calls.call(to, messages),
        abort: (reason) => ctx.abort(reason),
        rowsWritten: () => sqlStorage.rowsWritten,
      },
    );
    this.running = { node, calls };
  }
}

const leastCallTimeoutMs = 1000;
const mostCallTimeoutMs = 10_000;

/** Tells what is wrong when a call is meant for another node than this. */
function misdirected(request: Request, { identity }: StoredNode): string | null {
  const { headers, method } = request;
  if (method !== "POST") return "internal calls are POST requests";
  if (headers.get(internalHeader.group) !== identity.group) return `this node belongs to the group ${identity.group}`;
  if (headers.get(internalHeader.node) !== identity.node) return `this is the node ${identity.node}`;
  return null;
}

function timeoutMs(request: Request): number {
  const given = Number(request.headers.get(internalHeader.timeoutMs) ?? Number.NaN);
  return Number.isFinite(given) && given > 0 ? given : defaultTimeoutMs;
}

const defaultTimeoutMs = 10_000;

function consistency(request: Request): Consistency {
  return request.headers.get(internalHeader.consistency) === "stale" ? "stale" : "linearizable";
}

function respond(outcome: Outcome, node: Node): Response {
  const by: AnsweredBy = node.answeredBy();
  if (outcome.done) return answer(outcome.result, { ...by, index: outcome.index });
  const { code, message, ambiguous } = outcome;
  return refuse({ code, message, ambiguous }, by);
}
