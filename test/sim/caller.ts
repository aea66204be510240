/** Whoever asks a group for something: it asks one thing after another, looks for the leader, tries again, and sometimes gives up. */

import type { Outcome, ReadBounds } from "../../src/node/waiters.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import { demand, type Rule } from "./check/violation.ts";
import { type History, isWriteKind, type Operation, type OperationKind } from "./history.ts";
import type { Instance } from "./instance.ts";
import type { Setup } from "./setup.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** Clients give up after so many attempts, unless they are told to be persistent. */
const maxAttempts = 6;
/** For how many election timeouts the persistent ones wait for one answer. */
const maxPatience = 8;
/** Clocks show whole milliseconds. */
const clockGrainMs = 2;
/** How often a read of the session waits for an index that nobody has seen, and by how many that may be ahead. */
const aheadRate = 0.2;
const mostAhead = 3;

/** Lets an answer travel to whoever asked. */
export type Answer = (heard: () => void) => void;

export abstract class Caller {
  readonly id: string;
  /** How many operations it has completed. */
  completed = 0;
  protected readonly setup: Setup;
  protected readonly history: History;
  private readonly nodes: readonly SimulatedNode[];
  private leader: NodeId | null = null;
  /** The newest index that it has heard of. */
  private seenIndex = 0;
  /** Who has not answered the last request, or has refused it. */
  private suspect: NodeId | null = null;
  private asked: NodeId | null = null;
  /** The place of the node that was tried last in turn. */
  private lastTried = 0;
  private current: Operation | null = null;
  private operations = 0;
  private idle = false;
  private persistent = false;

  constructor(id: string, setup: Setup, nodes: readonly SimulatedNode[], history: History) {
    this.id = id;
    this.setup = setup;
    this.nodes = nodes;
    this.history = history;
  }

  start(): void {
    this.thinkThen(() => this.beginAny());
  }

  /** Never gives up from now on. */
  persist(): void {
    this.persistent = true;
  }

  /** Begins nothing new. */
  stop(): void {
    this.idle = true;
  }

  get isWaiting(): boolean {
    return this.current !== null;
  }

  /** Begins something by chance; what is safe to repeat can be demanded to be answered. */
  protected abstract beginByChance(mustBeIdempotent: boolean): void;

  /** Makes a request of an attempt: what happens to the instance that it reaches. */
  protected abstract requestFor(operation: Operation, answer: Answer): (instance: Instance) => void;

  /** An operation is over. */
  protected ended(_operation: Operation): void {}

  protected ask(kind: OperationKind, key: string, idempotent: boolean): Operation {
    const operation = this.open(kind, key, idempotent);
    this.attempt(operation);
    return operation;
  }

  /** The number of the operation that begins next. */
  protected get nextNumber(): number {
    return this.operations + 1;
  }

  /** Begins an operation, one at a time; its first attempt is to follow. */
  protected open(kind: OperationKind, key: string, idempotent: boolean): Operation {
    this.operations += 1;
    const { nowMs } = this.setup.world;
    const { id: client, operations: number } = this;
    this.current = this.history.begin({ client, number, kind, key, invokedAtMs: nowMs, idempotent });
    return this.current;
  }

  private beginAny(): void {
    if (!this.idle) this.beginByChance(this.persistent);
  }

  protected attempt(operation: Operation): void {
    operation.attempts += 1;
    const attempt = operation.attempts;
    const { world, network } = this.setup;
    const node = this.chooseNode();
    const isCurrent = (): boolean => this.current === operation && operation.attempts === attempt;
    const answer: Answer = (heard) => {
      network.travel(
        node.id,
        this.id,
        () => {
          if (!isCurrent()) return;
          this.suspect = null;
          heard();
        },
        () => {},
      );
    };
    const request = this.requestFor(operation, answer);
    // The front end wakes an idle group whose leader it can't find, by a node that may lead.
    const suspect = this.setup.settings.voters.includes(node.id) ? this.suspect : null;
    const arrive = (instance: Instance): void => {
      if (suspect !== null) instance.enter((driver) => driver.rouse(suspect, instance.nowMs));
      request(instance);
    };
    this.suspect = node.id;
    this.asked = node.id;
    network.travel(
      this.id,
      node.id,
      () => node.deliver(arrive, () => {}),
      () => {},
    );
    world.after(this.patienceMs(operation), () => {
      if (isCurrent()) this.failed(operation, isWriteKind(operation.kind), null);
    });
  }

  /**
   * How long to wait for one answer. Who never gives up has to wait longer each time, or a group that is only slow would
   * drown in repetitions.
   */
  private patienceMs({ attempts }: Operation): number {
    const { clients, options } = this.setup.settings;
    if (!this.persistent) return clients.patienceMs;
    const leastMs = Math.min(clients.patienceMs, options.electionMaxMs);
    return Math.min(leastMs * 2 ** attempts, maxPatience * options.electionMaxMs);
  }

  private drawBounds({ kind }: Operation): ReadBounds {
    const { random, settings } = this.setup;
    if (kind === "session read") return { minIndex: this.seenIndex + this.drawAhead() };
    if (kind !== "bounded read") return {};
    return { maxStalenessMs: Math.round(random.clients.between(0, 2 * settings.options.electionMaxMs)) };
  }

  /** Some wait for what is yet to come; who never gives up does not, since nothing more might come. */
  private drawAhead(): number {
    const { clients } = this.setup.random;
    return !this.persistent && clients.chance(aheadRate) ? 1 + clients.below(mostAhead) : 0;
  }

  /** How new the state must be that a read sees which arrives now. */
  private floorOf({ kind }: Operation, { minIndex = 0, maxStalenessMs = 0 }: ReadBounds): number {
    const { checks, settings, world } = this.setup;
    if (kind === "read") return checks.ledger.lastIndex;
    // A node knows an age by its own clock; one that is set tells it nothing.
    if (kind !== "bounded read" || settings.faults.weights["clock jump"] > 0) return minIndex;
    const oldestMs = maxStalenessMs * (1 + 2 * settings.clocks.driftRate) + clockGrainMs;
    return this.history.committedBy(world.nowMs - oldestMs);
  }

  /** The request of a write. Both look at what became of it at the node; `done` answers what happens when that is heard. */
  protected propose(
    operation: Operation,
    bytes: Uint8Array,
    answer: Answer,
    told: { done(index: number, result: Uint8Array): () => void; denied(code: string): void },
  ): (instance: Instance) => void {
    const patienceMs = this.patienceMs(operation);
    const answered = (outcome: Outcome, leader: NodeId | null): void => {
      this.history.look(this.setup.world.nowMs, this.setup.checks.ledger.lastIndex);
      if (outcome.done) {
        answer(told.done(outcome.index, outcome.result));
        return;
      }
      if (!outcome.ambiguous) told.denied(outcome.code);
      answer(() => this.refused(operation, outcome.ambiguous, leader));
    };
    return (instance) =>
      instance.ask((driver) => driver.propose(bytes, instance.nowMs + patienceMs, instance.nowMs), answered);
  }

  /** The request of a read. What is read must have been committed, and be no older than it may be. */
  protected query(
    operation: Operation,
    bytes: Uint8Array,
    answer: Answer,
    read: (index: number, result: Uint8Array) => () => void,
  ): (instance: Instance) => void {
    const { checks, world } = this.setup;
    const consistency = operation.kind === "read" ? "linearizable" : "stale";
    const bounds = this.drawBounds(operation);
    this.note(() => `asks for a ${operation.kind} of ${operation.key} ${JSON.stringify(bounds)}`);
    return (instance) => {
      const floorIndex = this.floorOf(operation, bounds);
      const answered = (outcome: Outcome, leader: NodeId | null): void => {
        if (!outcome.done) {
          answer(() => this.refused(operation, false, leader));
          return;
        }
        this.checkAge(operation, outcome.index, floorIndex);
        answer(read(outcome.index, outcome.result));
      };
      this.history.look(world.nowMs, checks.ledger.lastIndex);
      const expiresAtMs = instance.nowMs + this.patienceMs(operation);
      instance.ask((driver) => driver.query(bytes, consistency, expiresAtMs, instance.nowMs, bounds), answered);
    };
  }

  /** What is read must have been committed, and be no older than what was committed when the read arrived. */
  private checkAge({ kind }: Operation, index: number, floorIndex: number): void {
    const { ledger } = this.setup.checks;
    const rule = ruleOf(kind);
    demand(index <= ledger.lastIndex, rule, () => `${this.id} reads at ${index}; ${ledger.lastIndex} is committed`);
    demand(index >= floorIndex, rule, () => `${this.id} reads at ${index}; it must see ${floorIndex}`);
  }

  /** It is answered, by the state at its index. */
  protected complete(operation: Operation): void {
    const { kind, floorIndex } = operation;
    const index = operation.index ?? 0;
    demand(
      kind !== "read" || index >= floorIndex,
      "linearizable reads",
      () => `${this.id} reads at ${index} after ${floorIndex} was heard of`,
    );
    this.seenIndex = Math.max(this.seenIndex, index);
    if (kind === "read" || isWriteKind(kind)) this.history.heardIndex = Math.max(this.history.heardIndex, index);
    this.completed += 1;
    this.end(operation, "done");
  }

  /** The node that was asked does not do it. If others take it for the leader, they are to know of that. */
  private refused(operation: Operation, ambiguous: boolean, leader: NodeId | null): void {
    this.suspect = this.asked;
    this.failed(operation, ambiguous, leader);
  }

  /** An attempt came to nothing, or its client has lost patience. */
  protected failed(operation: Operation, ambiguous: boolean, leader: NodeId | null): void {
    this.leader = leader;
    const mayRepeat = operation.idempotent || !ambiguous;
    if (mayRepeat && (this.persistent || operation.attempts < maxAttempts)) {
      const attempt = operation.attempts;
      this.thinkThen(() => {
        if (this.current === operation && operation.attempts === attempt) this.attempt(operation);
      });
    } else {
      this.end(operation, ambiguous || operation.attempts > 1 ? "unknown" : "refused");
    }
  }

  private end(operation: Operation, state: Operation["state"]): void {
    operation.state = state;
    operation.completedAtMs = this.setup.world.nowMs;
    this.note(() => `${operation.kind} ${operation.number} is ${state}, index ${operation.index}`);
    this.current = null;
    this.ended(operation);
    this.thinkThen(() => this.beginAny());
  }

  private chooseNode(): SimulatedNode {
    const { random, settings } = this.setup;
    const leader = this.nodes.find(({ id }) => id === this.leader);
    if (leader !== undefined && !random.clients.chance(settings.clients.strayRate)) return leader;
    if (!this.persistent) return random.clients.pick(this.nodes);
    // One after the other: chance alone might choose the dead for ever.
    this.lastTried = (this.lastTried + 1) % this.nodes.length;
    return this.nodes[this.lastTried] ?? random.clients.pick(this.nodes);
  }

  private thinkThen(act: () => void): void {
    const { world, random, settings } = this.setup;
    world.after(random.clients.exponential(settings.clients.thinkMs), act);
  }

  protected note(what: () => string): void {
    const { world } = this.setup;
    if (world.trace !== null) world.note(this.id, what());
  }
}

export function ruleOf(kind: OperationKind): Rule {
  return kind === "read" ? "linearizable reads" : "stale reads";
}
