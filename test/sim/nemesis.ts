/** What goes wrong: faults that come by chance, one by one and on top of one another. */

import type { Driver } from "../../src/node/driver.ts";
import type { Outcome } from "../../src/node/waiters.ts";
import { type ConfigurationChange, leaveJoint, type MemberChange } from "../../src/raft/configuration-change.ts";
import { isJoint, isMember } from "../../src/raft/configuration.ts";
import type { Operator } from "./operator.ts";
import { canDecide, isLost, possibleConfigurations } from "./possible-configurations.ts";
import type { Line } from "./network.ts";
import { type FaultKind, faultKinds } from "./settings.ts";
import type { Setup } from "./setup.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** A crash in a turn comes after up to this many steps; a turn has some ten. */
const maxSteps = 40;
const slowDisk = 30;

export class Nemesis {
  private readonly setup: Setup;
  private readonly nodes: readonly SimulatedNode[];
  private readonly clients: readonly string[];
  private readonly operator: Operator;
  private stopped = false;

  constructor(setup: Setup, nodes: readonly SimulatedNode[], clients: readonly string[], operator: Operator) {
    this.setup = setup;
    this.nodes = nodes;
    this.clients = clients;
    this.operator = operator;
  }

  start(): void {
    const { settings, world, random } = this.setup;
    const { everyMs, weights } = settings.faults;
    if (everyMs === Number.POSITIVE_INFINITY || faultKinds.every((kind) => weights[kind] === 0)) return;
    world.after(random.faults.exponential(everyMs), () => {
      if (this.stopped) return;
      this.cause(this.drawKind());
      this.start();
    });
  }

  /** Causes nothing any more, and ends nothing either. */
  stop(): void {
    this.stopped = true;
  }

  cause(kind: FaultKind): void {
    const { world, network } = this.setup;
    const node = this.pickNode();
    if (kind === "wipe" && !this.mayWipe(node)) return;
    world.count(kind);
    world.note("fault", kind);
    switch (kind) {
      case "crash":
        return node.crash("at any moment", this.drawDurationMs());
      case "crash in a turn":
        return node.crashAfterSteps(this.setup.random.faults.below(maxSteps), this.drawDurationMs());
      case "deploy":
        for (const each of this.nodes) each.crash("for a deploy", this.drawDurationMs() / 4);
        return;
      case "eviction":
        return node.crash("evicted", 0, Number.POSITIVE_INFINITY);
      case "twin":
        return node.replace();
      case "pause":
        return node.pause(this.drawDurationMs());
      case "partition":
        return this.partition();
      case "isolation":
        return this.isolate(node);
      case "one-way cut":
        return this.cutOneWay(node);
      case "clogged link":
        return this.clog(node);
      case "loss storm":
        return this.storm();
      case "slow disk":
        return this.slowDown(node);
      case "clock jump":
        return this.setClock(node);
      case "transfer":
        return this.transfer();
      case "member change":
        return this.changeMembers();
      case "removal":
        return this.operator.remove(node);
      case "wipe":
        return node.wipe();
      case "version change":
        return this.changeVersions(node);
      case "desertion":
        return this.desert();
      case "healing":
        return network.heal(this.places());
    }
  }

  private partition(): void {
    const { faults } = this.setup.random;
    const side = new Set(this.places().filter(() => faults.chance(0.5)));
    const others = this.places().filter((place) => !side.has(place));
    this.block([...side].flatMap((place) => this.linesBetween([place], others)));
  }

  private isolate(node: SimulatedNode): void {
    const withClients = this.setup.random.faults.chance(0.5);
    const others = withClients ? this.places() : this.nodes.map(({ id }) => id);
    this.block(
      this.linesBetween(
        [node.id],
        others.filter((id) => id !== node.id),
      ),
    );
  }

  /** The leader loses the others, who all start anew at that moment, but not its clients. */
  private desert(): void {
    const leader = this.nodes.find(({ instance }) => instance?.driver?.raft.role === "leader");
    if (leader === undefined) return;
    const others = this.nodes.filter((node) => node !== leader);
    const ids = others.map(({ id }) => id);
    this.block(this.linesBetween([leader.id], ids));
    for (const other of others) other.crash("evicted", 0, Number.POSITIVE_INFINITY);
  }

  /** A node can only send, or only receive; or one line works in one direction only. */
  private cutOneWay(node: SimulatedNode): void {
    const { random, network } = this.setup;
    const others = this.nodes.filter((other) => other !== node && random.faults.chance(0.7));
    const outward = random.faults.chance(0.5);
    this.block(others.map(({ id }) => (outward ? network.line(node.id, id) : network.line(id, node.id))));
  }

  private clog(node: SimulatedNode): void {
    const { world, network, random } = this.setup;
    const line = network.line(node.id, random.faults.pick(this.nodes).id);
    line.cloggedUntilMs = world.nowMs + this.drawDurationMs();
  }

  private storm(): void {
    const lines = this.linesBetween(this.places(), this.places());
    const lossRate = this.setup.random.faults.between(0.1, 0.9);
    for (const line of lines) line.lossRate = lossRate;
    this.later(() => {
      for (const line of lines) line.lossRate = 0;
    });
  }

  private slowDown(node: SimulatedNode): void {
    node.slowDown(slowDisk);
    this.later(() => node.slowDown(1));
  }

  private setClock(node: SimulatedNode): void {
    const { random, settings } = this.setup;
    const mostMs = 3 * settings.options.electionMaxMs;
    node.clock.jump(random.faults.between(-mostMs, mostMs));
  }

  private transfer(): void {
    const leader = this.nodes.find(({ instance }) => instance?.driver?.raft.role === "leader")?.instance;
    const target = this.setup.random.faults.pick(this.nodes).id;
    leader?.enter((driver) => void driver.transfer(target, leader.nowMs));
  }

  /** One node runs other code for a while, or all of them from now on, one after the other. */
  private changeVersions(node: SimulatedNode): void {
    const { faults } = this.setup.random;
    const { newer } = node;
    if (faults.chance(0.5)) {
      node.speak(newer + 1);
      this.later(() => node.speak(newer));
      return;
    }
    const newest = Math.max(...this.nodes.map((each) => each.newer)) + 1;
    for (const each of this.nodes) this.later(() => each.speak(newest));
  }

  /**
   * Whether a node may lose its storage: one at a time, if the others can go on without it and all of them know the storage
   * that it is about to lose; without that, nobody can tell it from the one that it gets.
   */
  private mayWipe(node: SimulatedNode): boolean {
    const { setup, nodes, operator } = this;
    const others = nodes.filter((each) => each !== node);
    if (others.length === 0 || nodes.some((each) => isLost(setup, each))) return false;
    if (!isMember(setup.checks.ledger.configuration, node.id)) return false;
    if (!others.every(({ knownPeers }) => knownPeers.has(node.id))) return false;
    return canDecide(setup, others, possibleConfigurations(setup, nodes, operator.pending));
  }

  /** Gives some members another role, or the one that they have. */
  private changeMembers(): void {
    const { faults } = this.setup.random;
    const leader = this.nodes.find(({ instance }) => instance?.driver?.raft.role === "leader")?.instance;
    // While a node is lost, the others are needed where they are.
    if (this.nodes.some((node) => isLost(this.setup, node))) return;
    const count = 1 + faults.below(3);
    const { configuration: present } = leader?.driver?.raft ?? this.setup.checks.ledger;
    const changes = faults
      .shuffle(this.nodes.map(({ id }) => id).filter((id) => isMember(present, id)))
      .slice(0, count)
      .map((id): MemberChange => {
        return { type: faults.pick(["addVoter", "addVoter", "addLearner", "addPromotable"] as const), id };
      });
    const change: ConfigurationChange = { changes, transition: faults.pick(["auto", "implicit", "explicit"] as const) };
    const ask = (driver: Driver): Promise<Outcome> => {
      const { configuration } = driver.raft;
      // An explicit joint configuration is left only when that is asked for.
      const next = isJoint(configuration) && !configuration.autoLeave ? leaveJoint : change;
      return driver.change(next, Number.POSITIVE_INFINITY, leader?.nowMs ?? 0);
    };
    leader?.ask(ask, () => {});
  }

  private block(lines: readonly Line[]): void {
    for (const line of lines) line.blocked = true;
    this.later(() => {
      for (const line of lines) line.blocked = false;
    });
  }

  private linesBetween(places: readonly string[], others: readonly string[]): Line[] {
    const { network } = this.setup;
    return places.flatMap((place) =>
      others.flatMap((other) => [network.line(place, other), network.line(other, place)]),
    );
  }

  private places(): readonly string[] {
    return [...this.nodes.map(({ id }) => id), ...this.clients];
  }

  /** Any node, but more often the one that leads. */
  private pickNode(): SimulatedNode {
    const { faults } = this.setup.random;
    const leader = this.nodes.find(({ instance }) => instance?.driver?.raft.role === "leader");
    return leader !== undefined && faults.chance(0.3) ? leader : faults.pick(this.nodes);
  }

  private drawKind(): FaultKind {
    const { faults } = this.setup.random;
    const { weights } = this.setup.settings.faults;
    let left = faults.next() * faultKinds.reduce((sum, kind) => sum + weights[kind], 0);
    for (const kind of faultKinds) {
      left -= weights[kind];
      if (left < 0) return kind;
    }
    return "healing";
  }

  private drawDurationMs(): number {
    const { random, settings } = this.setup;
    return random.faults.exponential(settings.faults.lastsMs);
  }

  private later(end: () => void): void {
    this.setup.world.after(this.drawDurationMs(), () => {
      if (!this.stopped) end();
    });
  }
}
