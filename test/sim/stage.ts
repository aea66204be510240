/** A simulation whose course is written by hand: who is connected, who stands for election, who is asked what, and when. */

import type { Outcome } from "../../src/node/waiters.ts";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { Instance } from "./instance.ts";
import { calmSettings, type Settings } from "./settings.ts";
import { Simulation, type SimulationOptions } from "./simulation.ts";

/** A request and, as soon as it has left the node, the answer to it. */
export interface Asked {
  outcome: Outcome | null;
}

export class Stage extends Simulation {
  /** How many terms had a leader before the story began. */
  electedBefore = 0;
  private asked = 0;

  /** A group that has been started, in which the given node leads and everybody knows. */
  static async with(
    voters: number,
    leader: NodeId,
    changes: Partial<Settings> = {},
    options: SimulationOptions = {},
  ): Promise<Stage> {
    const stage = new Stage(voters, changes, options);
    stage.start();
    await stage.leads();
    // Whoever is to win needs all entries.
    await stage.runFor(stage.setup.settings.options.electionMinMs);
    await stage.elect(leader);
    await stage.until(() => stage.ids.every((id) => stage.raft(id).leader === leader), 1000);
    await stage.runFor(stage.setup.settings.options.electionMinMs);
    stage.electedBefore = stage.setup.checks.elections.elected;
    return stage;
  }

  constructor(voters: number, changes: Partial<Settings> = {}, options: SimulationOptions = {}) {
    super(calmSettings(voters, changes), options);
  }

  get ids(): readonly NodeId[] {
    return [...this.nodes.keys()];
  }

  /** Leaves only the lines within each group; who is in none hears nobody. */
  connect(...groups: readonly (readonly NodeId[])[]): void {
    for (const from of this.ids) {
      for (const to of this.ids) {
        const together = groups.some((group) => group.includes(from) && group.includes(to));
        this.setup.network.line(from, to).blocked = !together;
      }
    }
  }

  raft(id: NodeId): Raft {
    const raft = this.node(id).instance?.driver?.raft;
    if (raft === undefined) throw new Error(`${id} does not run`);
    return raft;
  }

  /** Lets a node stand for election at once, as if the leader had asked it to, and again until it leads. */
  async elect(id: NodeId): Promise<void> {
    const { electionMinMs } = this.setup.settings.options;
    const leads = (): boolean => this.leader()?.id === id;
    for (let attempt = 0; attempt < maxElections; attempt += 1) {
      this.node(id).deliver(stand, () => {});
      if (await this.until(leads, electionMinMs / 3)) return;
    }
    throw new Error(`${id} did not win`);
  }

  /** Waits for some leader. */
  async leads(): Promise<NodeId> {
    const withinMs = 10 * this.setup.settings.options.electionMaxMs;
    if (!(await this.until(() => this.leader() !== null, withinMs))) throw new Error("nobody leads");
    return this.leader()?.id ?? "";
  }

  /** Asks a node to write, as a client beside it would. */
  write(id: NodeId, { key = "k", patienceMs = longMs } = {}): Asked {
    this.asked += 1;
    const name = `s.${this.asked}.1`;
    const { checks, language } = this.setup;
    const write = { name, key, expectedRevision: null, idempotencyKey: null };
    checks.attempts.begin(write);
    const bytes = language.encodeWrite(write, 0);
    const asked: Asked = { outcome: null };
    this.node(id).deliver(
      (instance) => {
        const { nowMs } = instance;
        instance.ask(
          (driver) => driver.propose(bytes, nowMs + patienceMs, nowMs),
          (outcome) => {
            asked.outcome = outcome;
            if (outcome.done) checks.attempts.acknowledge(name, outcome.index, language.decodeResult(outcome.result));
            else if (!outcome.ambiguous) checks.attempts.deny(name, outcome.code);
          },
        );
      },
      () => {},
    );
    return asked;
  }

  /** Asks a node for a linearizable read. */
  read(id: NodeId, { key = "k", patienceMs = longMs } = {}): Asked {
    const asked: Asked = { outcome: null };
    const bytes = this.setup.language.encodeRead(key);
    this.node(id).deliver(
      (instance) => {
        const { nowMs } = instance;
        instance.ask(
          (driver) => driver.query(bytes, "linearizable", nowMs + patienceMs, nowMs),
          (outcome) => {
            asked.outcome = outcome;
          },
        );
      },
      () => {},
    );
    return asked;
  }

  /** Fills a node's disk before it starts: one entry for each of these terms, which must not fall. */
  prepare(id: NodeId, terms: readonly number[], nodeTerm = terms.at(-1) ?? 0): void {
    const entries = terms.map((term, position): Entry => ({
      index: position + 1,
      term,
      kind: "noop",
      timeMs: 0,
      data: new Uint8Array(0),
    }));
    this.node(id).prepare({ term: nodeTerm, vote: null }, entries);
  }
}

const longMs = 60_000;
/** Each raises the term by one, until it is above that of all who vote; before, it may have to stop leading an old one. */
const maxElections = 12;

function stand(instance: Instance): void {
  instance.enter((driver) => {
    driver.raft.campaign(instance.nowMs, true);
    driver.flush(instance.nowMs);
  });
}
