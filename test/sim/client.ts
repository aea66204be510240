/** A client: it asks one thing after another, looks for the leader, tries again, and sometimes gives up. */

import type { Outcome, ReadBounds } from "../../src/node/waiters.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import { demand } from "./check/violation.ts";
import type { History, Operation, OperationKind } from "./history.ts";
import type { Instance } from "./instance.ts";
import type { Setup } from "./setup.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { Reading, WriteResult } from "./store/language.ts";

const kinds: readonly OperationKind[] = [
  ...(["write", "write", "write", "compare-and-set", "compare-and-set", "read", "read", "read"] as const),
  ...(["stale read", "bounded read", "session read"] as const),
];
/** Clients give up after so many attempts, unless they are told to be persistent. */
const maxAttempts = 6;
/** Clocks show whole milliseconds. */
const clockGrainMs = 2;
/** For how many election timeouts the persistent ones wait for one answer. */
const maxPatience = 8;

export class Client {
  readonly id: string;
  /** How many operations it has completed. */
  completed = 0;
  private readonly setup: Setup;
  private readonly nodes: readonly SimulatedNode[];
  private readonly history: History;
  private readonly revisions = new Map<string, number>();
  private leader: NodeId | null = null;
  /** The newest index that it has heard of. */
  private seenIndex = 0;
  /** Who has not answered the last request. */
  private suspect: NodeId | null = null;
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

  /** Begins an operation; one at a time. */
  begin(kind: OperationKind, key: string, idempotent: boolean): Operation {
    this.operations += 1;
    const { nowMs } = this.setup.world;
    const { id: client, operations: number } = this;
    this.current = this.history.begin({ client, number, kind, key, invokedAtMs: nowMs, idempotent });
    this.attempt(this.current);
    return this.current;
  }

  private beginAny(): void {
    if (this.idle) return;
    const { clients } = this.setup.random;
    const { keys, idempotentRate } = this.setup.settings.clients;
    const idempotent = this.persistent || clients.chance(idempotentRate);
    this.begin(clients.pick(kinds), `k${clients.below(keys)}`, idempotent);
  }

  private attempt(operation: Operation): void {
    operation.attempts += 1;
    const attempt = operation.attempts;
    const { world, network } = this.setup;
    const node = this.chooseNode();
    const isCurrent = (): boolean => this.current === operation && operation.attempts === attempt;
    const answer = (heard: () => void): void => {
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
    const request = this.isWrite(operation)
      ? this.writeRequest(operation, answer)
      : this.readRequest(operation, answer);
    // The front end wakes an idle group whose leader it can't find, by a node that may lead.
    const suspect = this.setup.settings.voters.includes(node.id) ? this.suspect : null;
    const arrive = (instance: Instance): void => {
      if (suspect !== null) instance.enter((driver) => driver.rouse(suspect, instance.nowMs));
      request(instance);
    };
    this.suspect = node.id;
    network.travel(
      this.id,
      node.id,
      () => node.deliver(arrive, () => {}),
      () => {},
    );
    world.after(this.patienceMs(operation), () => {
      if (isCurrent()) this.failed(operation, this.isWrite(operation), null);
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

  private isWrite({ kind }: Operation): boolean {
    return kind === "write" || kind === "compare-and-set";
  }

  private writeRequest(operation: Operation, answer: (heard: () => void) => void): (instance: Instance) => void {
    const { checks, language, settings, random } = this.setup;
    const { number, attempts, key, kind } = operation;
    const name = `${this.id}.${number}.${attempts}`;
    const idempotencyKey = operation.idempotent ? `${this.id}.${number}` : null;
    const expectedRevision = kind === "write" ? null : (this.revisions.get(key) ?? 0);
    const write = { name, key, expectedRevision, idempotencyKey };
    checks.attempts.begin(write);
    const patienceMs = this.patienceMs(operation);
    const bytes = language.encodeWrite(write, random.clients.below(settings.clients.valueBytes + 1));
    this.note(() => `writes ${key} as ${name}`);
    const answered = (outcome: Outcome, leader: NodeId | null): void => {
      if (outcome.done) {
        const result = language.decodeResult(outcome.result);
        checks.attempts.acknowledge(name, outcome.index, result);
        answer(() => this.written(operation, outcome.index, result));
        return;
      }
      if (!outcome.ambiguous) checks.attempts.deny(name, outcome.code);
      answer(() => this.failed(operation, outcome.ambiguous, leader));
    };
    return (instance) =>
      instance.ask((driver) => driver.propose(bytes, instance.nowMs + patienceMs, instance.nowMs), answered);
  }

  private readRequest(operation: Operation, answer: (heard: () => void) => void): (instance: Instance) => void {
    const { checks, language } = this.setup;
    const consistency = operation.kind === "read" ? "linearizable" : "stale";
    const bounds = this.drawBounds(operation);
    const bytes = language.encodeRead(operation.key);
    this.note(() => `asks for a ${operation.kind} of ${operation.key} ${JSON.stringify(bounds)}`);
    return (instance) => {
      const floorIndex = this.floorOf(operation, bounds);
      const answered = (outcome: Outcome, leader: NodeId | null): void => {
        if (!outcome.done) {
          answer(() => this.failed(operation, false, leader));
          return;
        }
        const reading = language.decodeRead(outcome.result);
        this.checkReading(operation, outcome.index, floorIndex, reading);
        answer(() => this.read(operation, outcome.index, reading));
      };
      this.history.look(this.setup.world.nowMs, checks.ledger.lastIndex);
      const expiresAtMs = instance.nowMs + this.patienceMs(operation);
      instance.ask((driver) => driver.query(bytes, consistency, expiresAtMs, instance.nowMs, bounds), answered);
    };
  }

  private drawBounds({ kind }: Operation): ReadBounds {
    const { random, settings } = this.setup;
    if (kind === "session read") return { minIndex: this.seenIndex };
    if (kind !== "bounded read") return {};
    return { maxStalenessMs: Math.round(random.clients.between(0, 2 * settings.options.electionMaxMs)) };
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

  /** What is read must have been committed, and be no older than what was committed when the read arrived. */
  private checkReading({ key, kind }: Operation, index: number, floorIndex: number, reading: Reading | null): void {
    const { ledger, attempts } = this.setup.checks;
    const rule = kind === "read" ? "linearizable reads" : "stale reads";
    demand(index <= ledger.lastIndex, rule, () => `${this.id} reads at ${index}; ${ledger.lastIndex} is committed`);
    demand(index >= floorIndex, rule, () => `${this.id} reads at ${index}; it must see ${floorIndex}`);
    const expected = attempts.model.read(key, index);
    demand(
      reading?.value === expected?.value && reading?.revision === expected?.revision,
      rule,
      () => `${this.id} reads ${JSON.stringify(reading)} of ${key} at ${index} instead of ${JSON.stringify(expected)}`,
    );
  }

  private written(operation: Operation, index: number, result: WriteResult): void {
    operation.index = index;
    this.revisions.set(operation.key, result.revision ?? 0);
    this.complete(operation);
  }

  private read(operation: Operation, index: number, reading: Reading | null): void {
    operation.index = index;
    operation.reading = reading;
    this.revisions.set(operation.key, reading?.revision ?? 0);
    const isOld = operation.kind === "read" && index < operation.floorIndex;
    demand(
      !isOld,
      "linearizable reads",
      () => `${this.id} reads at ${index} after ${operation.floorIndex} was heard of`,
    );
    this.complete(operation);
  }

  private complete(operation: Operation): void {
    const { kind } = operation;
    const index = operation.index ?? 0;
    this.seenIndex = Math.max(this.seenIndex, index);
    if (kind === "read" || this.isWrite(operation)) this.history.heardIndex = Math.max(this.history.heardIndex, index);
    this.completed += 1;
    this.end(operation, "done");
  }

  /** An attempt came to nothing, or its client has lost patience. */
  private failed(operation: Operation, ambiguous: boolean, leader: NodeId | null): void {
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

  private note(what: () => string): void {
    const { world } = this.setup;
    if (world.trace !== null) world.note(this.id, what());
  }
}
