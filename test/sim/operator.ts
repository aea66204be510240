/** Somebody who sees to it that all nodes belong to the group: who has lost its storage is removed, who is missing is added. */

import type { ChangeRequest, RequestedChange } from "../../src/membership.ts";
import type { MemberChange } from "../../src/raft/configuration-change.ts";
import { members } from "../../src/raft/configuration.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import type { Instance } from "./instance.ts";
import { isLost } from "./possible-configurations.ts";
import type { Setup } from "./setup.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** After how many election timeouts, on the average, it looks again. */
const everyTimeouts = 2;
/** How many election timeouts a request may take. */
const patience = 6;

export class Operator {
  private readonly setup: Setup;
  private readonly nodes: readonly SimulatedNode[];
  private stopped = false;
  /** What was asked for last, until it has ended or can have no effect any more. */
  private asked: ChangeRequest | null = null;
  private requests = 0;

  constructor(setup: Setup, nodes: readonly SimulatedNode[]) {
    this.setup = setup;
    this.nodes = nodes;
  }

  start(): void {
    const { world, random, settings } = this.setup;
    world.after(random.faults.exponential(everyTimeouts * settings.options.electionMaxMs), () => {
      if (this.stopped) return;
      this.look();
      this.start();
    });
  }

  /** Asks for nothing more. */
  stop(): void {
    this.stopped = true;
  }

  /** What may yet become of the last request. */
  get pending(): readonly MemberChange[] {
    return (this.asked?.changes ?? []).map((change): MemberChange => {
      const { id } = change;
      if (change.action === "add" && change.promote) return { type: "addPromotable", id };
      if (change.action === "remove") return { type: "remove", id };
      const votes = change.action === "promote" || (change.action === "add" && change.role === "voter");
      return { type: votes ? "addVoter" : "addLearner", id };
    });
  }

  /** Takes a node out that is one of the group, unless that is refused. */
  remove(node: SimulatedNode): void {
    // While a node is lost the others are needed.
    if (this.nodes.some((each) => isLost(this.setup, each))) return;
    const force = this.setup.random.faults.chance(0.5);
    this.request({ changes: [{ action: "remove", id: node.id }], force });
  }

  private look(): void {
    const { random } = this.setup;
    const leader = this.leader();
    if (leader === null) return;
    const present = members(leader.driver?.raft.configuration ?? this.setup.checks.ledger.configuration);
    for (const node of random.faults.shuffle(this.nodes)) {
      if (!present.includes(node.id)) return this.request({ changes: [this.addition(node.id)], force: true });
      if (node.instance?.place?.standing === "fenced" && isLost(this.setup, node)) {
        return this.request({ changes: [{ action: "remove", id: node.id }], force: true });
      }
    }
  }

  private addition(id: NodeId): RequestedChange {
    const { faults } = this.setup.random;
    const [role, promote] = faults.pick([
      ["voter", false],
      ["learner", true],
      ["learner", true],
      ["learner", false],
    ] as const);
    return { action: "add", id, role, promote };
  }

  private request(request: ChangeRequest): void {
    const { world, settings, random } = this.setup;
    const leader = this.leader();
    if (leader === null || this.asked !== null) return;
    this.requests += 1;
    const { requests } = this;
    const told = request.changes.map(({ action, id }) => `${action} ${id}`).join(", ");
    world.note("operator", `asks ${leader.watched.node}: ${told}${request.force ? ", by force" : ""}`);
    this.asked = request;
    const end = (how: string): void => {
      if (this.requests !== requests || this.asked === null) return;
      this.asked = null;
      world.note("operator", `hears: ${how}`);
      world.count(`asked to ${request.changes[0]?.action ?? "change nothing"}: ${how}`);
    };
    const timeoutMs = patience * settings.options.electionMaxMs;
    const delayMs = random.faults.exponential(settings.network.latencyMs);
    world.after(delayMs, () => {
      leader.place?.change(request, timeoutMs, (ended) => {
        if (ended.done) end("done");
        // One of unknown outcome may still be on its way.
        else if (!ended.ambiguous) end(ended.code);
      });
    });
    world.after(2 * timeoutMs + 2 * settings.network.callTimeoutMs, () => end("nothing"));
  }

  private leader(): Instance | null {
    const leaders = this.nodes.flatMap(({ instance }) => (instance?.driver?.raft.role === "leader" ? [instance] : []));
    return leaders.length === 0 ? null : this.setup.random.faults.pick(leaders);
  }
}
