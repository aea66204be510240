/** Lets the real core go the way of a trace of the model, and compares the two after each step. */

import { members, simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { AppendEntries, Message } from "../../src/raft/message.ts";
import { TestNode } from "../raft/test-node.ts";
import type { ModelAppend, ModelEvent, ModelMessage, ModelNode, ModelState } from "./trace.ts";
import { changeOf, entryInWords, inWords, modelEntryInWords, wordsOf } from "./wording.ts";

/** As the model has it: at the first heartbeat after a request a group is idle, and a quorum is not looked for in between. */
const options = { heartbeatMs: 10, electionMinMs: 100, electionMaxMs: 100_000, idleAfterMs: 5 };

/** The core does not do what the model does. */
class DivergenceError extends Error {
  override readonly name = "DivergenceError";
}

/** Where the core goes another way than the trace, and how; null where it does not. */
export function divergenceOf(states: readonly ModelState[]): string | null {
  try {
    new Replay(states[0]?.nodes.keys() ?? []).run(states);
    return null;
  } catch (error) {
    return error instanceof DivergenceError ? error.message : String(error);
  }
}

class Replay {
  private readonly nodes = new Map<string, TestNode>();
  /** What the core has ever sent, by its words. */
  private readonly sent = new Map<string, Message>();
  /** What the model has ever sent. */
  private readonly modelSent = new Set<string>();
  /** Every entry that a leader has made. */
  private readonly entries = new Map<string, Entry>();
  private readonly served = new Map<string, number>();

  constructor(ids: Iterable<string>) {
    for (const id of ids) {
      const node = new TestNode({ id, configuration: simpleConfiguration(["n1", "n2", "n3"]), options });
      node.send = (message) => this.take(node, message);
      this.nodes.set(id, node);
    }
  }

  /** Runs a whole trace. Throws a `DivergenceError` that names the step. */
  run(states: readonly ModelState[]): void {
    for (const [step, state] of states.entries()) {
      try {
        for (const message of state.network) this.modelSent.add(wordsOf(message));
        this.perform(state.event);
        this.compare(state);
      } catch (error) {
        const happened = JSON.stringify(state.event);
        const reason = error instanceof Error ? error.message : String(error);
        throw new DivergenceError(`step ${step}, ${happened}: ${reason}`, { cause: error });
      }
    }
  }

  private perform(event: ModelEvent): void {
    switch (event.tag) {
      case "Start":
      case "SendAppend":
        // When a leader sends what is left to the core; an append is made when it is delivered.
        return;
      case "Deliver":
        this.node(event.value.value.to).receive(this.find(event.value));
        return;
      case "Campaign":
        return this.turn(event.value, ({ raft, nowMs }) => raft.campaign(nowMs));
      case "Propose":
        return void this.node(event.value.node).propose(String(event.value.command));
      case "ProposeChange": {
        const { node, change } = event.value;
        return this.turn(node, ({ raft, nowMs }) => raft.proposeChange(changeOf(change), nowMs));
      }
      case "Beat":
        return void this.node(event.value).expire();
      case "CheckQuorum": {
        const node = this.node(event.value);
        node.nowMs = node.leadership["quorumCheckAtMs"];
        return void node.tick();
      }
      case "ForgetContact":
        return void this.node(event.value).pass(options.electionMinMs);
      case "AskRead":
        return void this.node(event.value.node).readIndex(event.value.context);
      case "Restart":
        return this.node(event.value).restart();
    }
  }

  private turn(id: string, input: (node: TestNode) => void): void {
    const node = this.node(id);
    node.turn(() => input(node));
  }

  private node(id: string): TestNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no ${id}`);
    return node;
  }

  /** The core's own message, or the append that the model's leader has thought of. */
  private find(message: ModelMessage): Message {
    if (message.tag === "Append") return this.appendOf(message.value);
    const found = this.sent.get(wordsOf(message));
    if (found === undefined) throw new Error("the core has never sent that");
    return found;
  }

  private appendOf({ from, to, term, prevIndex, prevTerm, entries, commit, round }: ModelAppend): AppendEntries {
    const own = entries.map((entry, position) => {
      const made = this.entries.get(`${prevIndex + 1 + position} of ${entry.term}`);
      if (made === undefined) throw new Error(`no leader of the core has made entry ${prevIndex + 1 + position}`);
      return made;
    });
    const envelope = { type: "appendEntries", from, to, term } as const;
    return { ...envelope, prevLogIndex: prevIndex, prevLogTerm: prevTerm, entries: own, commitIndex: commit, round };
  }

  /** A message leaves a node of the core: one that the model has sent too, or a true piece of a leader's log. */
  private take(node: TestNode, message: Message): void {
    if (message.type === "appendEntries") checkAppend(node, message);
    for (const { words, message: said } of inWords(message)) {
      if (!this.modelSent.has(words)) throw new Error(`the core sends what the model does not: ${words}`);
      this.sent.set(words, said);
    }
  }

  private compare(state: ModelState): void {
    for (const [id, expected] of state.nodes) {
      const node = this.node(id);
      for (const entry of node.disk.log) this.entries.set(`${entry.index} of ${entry.term}`, entry);
      const wanted = wantedOf(expected);
      for (const [name, found] of Object.entries(portray(node, expected))) {
        const [core, model] = [JSON.stringify(found), JSON.stringify(wanted[name])];
        if (core !== model) throw new Error(`${name} of ${id} is ${core}, and in the model ${model}`);
      }
      checkRefusal(node, expected);
    }
    const reads = [...this.nodes.values()].flatMap((node) => node.reads.splice(0));
    for (const { context, index } of reads) this.served.set(`${context}`, index);
    const wanted = state.served.map(({ context, index }) => `${context} at ${index}`).toSorted();
    const found = [...this.served].map(([context, index]) => `${context} at ${index}`).toSorted();
    const told = `reads answered: ${found.join()}; in the model: ${wanted.join()}`;
    if (found.join() !== wanted.join()) throw new Error(told);
  }
}

/** The model's leader may send any true piece of its log; so the core's must be one. */
function checkAppend({ raft }: TestNode, { prevLogIndex, prevLogTerm, entries, commitIndex }: AppendEntries): void {
  const { log } = raft;
  const isTrue =
    log.term(prevLogIndex) === prevLogTerm &&
    commitIndex <= log.commitIndex &&
    entries.every(({ index, term }, position) => index === prevLogIndex + 1 + position && log.term(index) === term);
  if (!isTrue) throw new Error(`an append that is no piece of its leader's log after ${prevLogIndex}`);
}

/**
 * What no leader of the model is asked: a change while the one before it is not in force, and anything behind the change that
 * takes its vote. The core is, and has to refuse it, which leaves it as it was.
 */
function checkRefusal({ raft, nowMs }: TestNode, { role, pendingChange, applied, departing }: ModelNode): void {
  if (role.tag !== "Leader") return;
  const change = changeOf({ tag: "AddLearner", value: "n9" });
  if (pendingChange > applied && raft.proposeChange(change, nowMs).accepted) {
    throw new Error(`${raft.id} takes a change, and in the model waits for the one before it`);
  }
  if (departing && raft.propose(new Uint8Array(1), nowMs).accepted) {
    throw new Error(`${raft.id} takes a command, and in the model is about to lose its vote`);
  }
}

type Portrait = Readonly<Record<string, unknown>>;

/** What is compared of a node, from the core. */
function portray({ raft, disk, nowMs }: TestNode, { matched }: ModelNode): Portrait {
  const { leadership, log, configuration } = raft;
  const peers = members(configuration).filter((id) => id !== raft.id);
  const progress = (value: (id: string) => number | undefined): Record<string, number> =>
    Object.fromEntries([...matched.keys()].toSorted().map((id) => [id, value(id) ?? 0]));
  return {
    term: raft.term,
    vote: raft.vote ?? "",
    role: raft.role,
    leader: raft.leader ?? "",
    resting: raft.quiescent,
    sticky: raft.role === "follower" && raft["current"].refusesVotes(nowMs),
    commit: log.commitIndex,
    applied: log.appliedIndex,
    log: disk.log.map(entryInWords),
    round: leadership?.["reads"].round ?? 0,
    matched: progress((id) => leadership?.peers.get(id)?.matchIndex),
    acked: progress((id) => leadership?.peers.get(id)?.ackedRound),
    active: leadership === null ? [] : peers.filter((id) => leadership.peers.get(id)?.recentlyActive === true),
  };
}

/** The same of the model's node. */
function wantedOf(node: ModelNode): Portrait {
  const role = `${node.role.tag.charAt(0).toLowerCase()}${node.role.tag.slice(1)}`;
  const sorted = (values: ReadonlyMap<string, number>): Record<string, number> =>
    Object.fromEntries([...values].toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return {
    term: node.term,
    vote: node.vote,
    role,
    leader: node.leader,
    resting: node.resting,
    sticky: node.sticky,
    commit: node.commit,
    applied: node.applied,
    log: node.log.map(modelEntryInWords),
    round: node.round,
    matched: sorted(node.matched),
    acked: sorted(node.acked),
    active: node.active.toSorted(),
  };
}
