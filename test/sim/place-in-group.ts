/** An instance's place in its group: the real belonging, gatekeeper and administration, in a simulated host. */

import type { Refusal } from "../../src/internal.ts";
import type { ChangeRequest, JoinRequest, Standing } from "../../src/membership.ts";
import { Administration, type Ended } from "../../src/node/administration.ts";
import { Belonging } from "../../src/node/belonging.ts";
import type { Driver } from "../../src/node/driver.ts";
import { claimOn, claimRefusal } from "../../src/node/founding.ts";
import { Inquiry } from "../../src/node/inquiry.ts";
import type { MembershipStorage } from "../../src/node/membership-storage.ts";
import type { Configuration } from "../../src/raft/configuration.ts";
import { demand } from "./check/violation.ts";
import { Correspondence } from "./correspondence.ts";
import { intercept } from "./disk/recording-storage.ts";
import type { Instance } from "./instance.ts";
import type { Reply } from "./network.ts";
import type { SimulatedNode } from "./simulated-node.ts";

export class PlaceInGroup {
  /** What it says to its peers. */
  readonly correspondence: Correspondence;
  private readonly instance: Instance;
  private readonly node: SimulatedNode;
  private readonly belonging: Belonging;
  private readonly inquiry = new Inquiry();
  /** Where in the log configurations were in force that its administration is about to answer for. */
  private readonly inForceAt = new WeakMap<Configuration, number>();
  private running: { readonly driver: Driver; readonly administration: Administration } | null = null;

  constructor(instance: Instance, node: SimulatedNode, membership: MembershipStorage) {
    this.instance = instance;
    this.node = node;
    this.belonging = new Belonging(membership, instance.stored, {
      within: () => {
        const { role, term, leader, log } = this.driver.raft;
        return { term, leads: role === "leader", leader, appliedIndex: log.appliedIndex };
      },
      onRetired: ({ standing, reason }) => {
        node.note(() => `is ${standing}: ${reason}`);
        node.setup.world.count(`node ${standing}`);
        this.running?.driver.enrolmentChanged(instance.nowMs);
      },
      listedHint: () => undefined,
    });
    this.correspondence = new Correspondence(instance, node, this.belonging.gatekeeper);
  }

  /** The driver runs from now on. */
  begin(driver: Driver): void {
    this.running = { driver, administration: this.administrationOf(driver) };
  }

  /** Whether it belongs to its group, as far as it knows. */
  get standing(): Standing {
    return this.belonging.enrolment.standing;
  }

  /** Another configuration is in force. Answers whether this node may stand for election in it. */
  configured(configuration: Configuration): boolean {
    return this.belonging.configured(configuration);
  }

  /** Why a node that is no member answers no client; null for a member. */
  outsider(): Refusal | null {
    const { standing } = this;
    if (standing === "member") return null;
    return { code: standing === "superseded" ? "fenced" : standing, message: standing, ambiguous: false };
  }

  /** A client has come. Whoever may have missed its own removal asks for it, as the node does. */
  inquire({ raft }: Driver): void {
    if (!this.inquiry.isDue(raft, this.instance.nowMs)) return;
    for (const { id } of this.belonging.members) {
      if (id === raft.id) continue;
      this.inquiry.asked();
      void this.correspondence.call(id, []).then(({ result }) => {
        this.inquiry.ended(result === "ok" || result === "refused" ? this.instance.nowMs : null);
      });
    }
  }

  /** Changes the members, as an operator asks for it. Says nothing more once the instance has ended. */
  change(request: ChangeRequest, timeoutMs: number, ended: (how: Ended) => void): void {
    this.instance.enter(() => {
      this.running?.administration.change(request, timeoutMs).then(
        (how) => {
          if (!this.instance.alive) return;
          this.instance.gate.output(() => {
            if (how.done) this.requireEstablished(how.body);
            ended(how);
          });
        },
        (error: unknown) => this.instance.caught(error),
      );
    });
  }

  /** A leader asks this node to wait to become a member, whatever it has been before. */
  join(request: JoinRequest, answer: (reply: Reply) => void): void {
    const { node, instance, standing } = this;
    const { groupId } = instance.stored.identity;
    const { appliedIndex, lastIndex } = this.driver.raft.log;
    const claim = claimOn({ groupId, standing, appliedIndex, lastIndex }, request);
    const say = (by: Instance, what: unknown): void => {
      const bytes = new TextEncoder().encode(JSON.stringify(what));
      by.gate.output(() => answer({ refused: false, bytes }));
    };
    if (claim === "other group" || claim === "knows more") {
      say(instance, { code: "node_in_use", message: claimRefusal(claim, node.id) });
      return;
    }
    const joined = claim === "keep" ? instance : node.join(request);
    say(joined, { storageId: joined.stored.identity.storageId });
  }

  /** Once a change is answered, every majority of the voters after it can go on, whatever becomes of the others. */
  private requireEstablished(configuration: Configuration): void {
    const { node } = this;
    const index = this.inForceAt.get(configuration);
    // A leader that had to remove itself can't know.
    if (index === undefined) return;
    const established = node.setup.checks.ledger.isEstablished(index);
    demand(established, "answered changes", () => `${node.id} answers a change that only a minority knows`);
  }

  private get driver(): Driver {
    if (this.running === null) throw new Error("the instance has not started");
    return this.running.driver;
  }

  private administrationOf(driver: Driver): Administration {
    const { instance, node } = this;
    // It asks for a read whose end it does not wait for.
    const query: Driver["query"] = (...inputs) => {
      const outcome = driver.query(...inputs);
      outcome.catch((error: unknown) => instance.caught(error));
      return outcome;
    };
    const confirm: Driver["confirm"] = (...inputs) => {
      const { configuration, log } = driver.raft;
      this.inForceAt.set(configuration, log.appliedIndex);
      return driver.confirm(...inputs);
    };
    return new Administration({
      driver: intercept(driver, { query, confirm }),
      nowMs: () => {
        node.setup.world.expectPromises();
        return instance.nowMs;
      },
      join: ({ id }, request) => this.correspondence.join(id, request),
      joinRequest: (force) => {
        node.setup.world.expectPromises();
        return this.belonging.joinRequest(driver.raft.log.appliedIndex, force);
      },
      transferEnded: () => {},
    });
  }
}
