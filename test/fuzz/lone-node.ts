/** A node whose peers are only said to exist, in a role of its own, which can be brought back to where it was. */

import { internalPath } from "../../src/internal.ts";
import type { Env } from "../../src/env.ts";
import { encodeFrame } from "../../src/node/frame.ts";
import type { RoleName } from "../../src/raft/role.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import { frameOf, plainCommand, type Truth } from "./frame-sketch.ts";
import { LoneObject } from "./lone-object.ts";

const silent = { fetch: () => new Promise(() => undefined) };
const ids = ["n1", "n2", "n3"];
/** It is never woken, and so never stands for election by itself. */
const timing = { heartbeatMs: 50_000, electionMinMs: 200_000, electionMaxMs: 400_000 };
const env = {
  RAFT_NODE: { getByName: () => silent } as unknown as DurableObjectNamespace,
  RAFT_MEMBERS: ids.map((id) => ({ id, role: "voter" })),
  RAFT_PROFILE: "fuzz",
  RAFT_TIMINGS: { fuzz: timing },
} satisfies Env;
const peerStorageIds = { n2: "storage of n2", n3: "storage of n3" };

export class LoneNode {
  readonly object: LoneObject;
  private readonly role: RoleName;

  private constructor(role: RoleName) {
    this.role = role;
    this.object = new LoneObject("default/n1", env);
  }

  /** A node with a log of some entries, most of them committed. */
  static async make(role: RoleName): Promise<LoneNode> {
    const node = new LoneNode(role);
    await node.object.call(internalPath.status);
    const entries = Array.from({ length: 12 }, (_, at): Entry => {
      return { index: at + 1, term: 1 + Math.floor(at / 6), kind: "command", timeMs: 1000 + at, data: plainCommand };
    });
    await node.tell({
      type: "appendEntries",
      term: 2,
      prevLogIndex: 0,
      prevLogTerm: 0,
      entries,
      commitIndex: 9,
      round: 1,
    });
    await node.begin();
    return node;
  }

  get truth(): Truth {
    const { identity } = this.object.node.stored;
    const { term, log } = this.object.node.driver.raft;
    const { lastIndex, lastTerm, commitIndex } = log;
    return { ...identity, peerStorageIds, term, lastIndex, lastTerm, commitIndex };
  }

  /** All that a peer or a client could see of it, in memory and on disk. */
  portrait(): string {
    const { raft } = this.object.node.driver;
    const { role, term, vote, leader, quiescent, log, configuration } = raft;
    const { firstIndex, lastIndex, lastTerm, commitIndex, appliedIndex } = log;
    const logged = { firstIndex, lastIndex, lastTerm, commitIndex, appliedIndex };
    const { standing } = this.object.node.belonging.enrolment;
    return JSON.stringify({ role, term, vote, leader, quiescent, logged, configuration, standing });
  }

  /** What a node must never take back, whatever it takes in. */
  memory(): Memory {
    const { term, log } = this.object.node.driver.raft;
    const terms = Array.from({ length: log.commitIndex }, (_, at) => log.term(at + 1));
    return { term, appliedIndex: log.appliedIndex, committedTerms: terms };
  }

  /** Starts again from what is stored now, and compares that with an earlier memory. */
  async assertKept({ term, appliedIndex, committedTerms }: Memory): Promise<void> {
    this.object.restart();
    await this.object.call(internalPath.status);
    const now = this.memory();
    const { log } = this.object.node.driver.raft;
    if (now.term < term) throw new Error(`the term has fallen from ${term} to ${now.term}`);
    if (now.appliedIndex < appliedIndex) throw new Error(`${now.appliedIndex} are applied, and ${appliedIndex} were`);
    const kept = committedTerms.every((one, at) => log.term(at + 1) === one);
    if (!kept) throw new Error("committed entries were replaced");
  }

  /** Another instance, over the storage as it was when the node was made. */
  async renew(): Promise<void> {
    this.object.stop();
    this.object.sql.exec("ROLLBACK");
    await this.begin();
  }

  /** Its leader tells it that all of its log is committed. */
  async commitAll(): Promise<void> {
    const { lastIndex: commitIndex } = this.truth;
    const heartbeat = { commitIndex, timeMs: 2000, electionMinMs: 0, leaseMs: 0, quiesce: false };
    await this.tell({ type: "heartbeat", term: 2, round: 2, ...heartbeat });
  }

  close(): void {
    this.object.stop();
    this.object.sql.close();
  }

  /** What happens from here on is undone by `renew`. */
  private async begin(): Promise<void> {
    this.object.sql.exec("BEGIN");
    this.object.restart();
    await this.object.call(internalPath.status);
    const { driver } = this.object.node;
    const { raft } = driver;
    if (this.role === "follower") {
      const heartbeat = { commitIndex: 9, timeMs: 2000, electionMinMs: 0, leaseMs: 0, quiesce: false };
      await this.tell({ type: "heartbeat", term: 2, round: 2, ...heartbeat });
      return;
    }
    raft.campaign(this.object.node.nowMs());
    driver.flush(this.object.node.nowMs());
    if (this.role === "preCandidate") return;
    await this.grant(true);
    if (this.role === "candidate") return;
    await this.grant(false);
  }

  private async grant(preVote: boolean): Promise<void> {
    const { term } = this.object.node.driver.raft;
    const reply = { preVote, granted: true, commitIndex: 9, commitTerm: 2, question: 0 };
    await this.tell({ type: "voteReply", term: preVote ? term + 1 : term, ...reply });
  }

  /** A true frame from `n2`. */
  private async tell(message: DistributiveOmit<Message, "from" | "to">): Promise<void> {
    const ends = { from: "n2", to: "n1" };
    const sketch = { ...ends, groupId: null, storageId: null, toStorageId: null, incarnation: 1, messages: [] };
    const frame = { ...frameOf(sketch, this.truth), messages: [{ ...message, ...ends } as Message] };
    const response = await this.object.call(internalPath.raft, encodeFrame(frame));
    if (response.status !== 200) throw new Error(`a true frame is refused: ${await response.text()}`);
  }
}

interface Memory {
  readonly term: number;
  readonly appliedIndex: number;
  /** Of the entries from the first to the last that is known to be committed. */
  readonly committedTerms: readonly (number | undefined)[];
}

type DistributiveOmit<Union, Name extends PropertyKey> = Union extends unknown ? Omit<Union, Name> : never;
