/** Every rule, checked at every turn, flush and departure of a message: the one place where a run's findings are made. */

import { decodeCommand } from "../../../src/kv/command-codec.ts";
import { simpleConfiguration } from "../../../src/raft/configuration.ts";
import type { Entry, NodeId } from "../../../src/raft/entry.ts";
import { isFromLeader, type Message } from "../../../src/raft/message.ts";
import type { Raft } from "../../../src/raft/raft.ts";
import type { DurableImage } from "../disk/durable-image.ts";
import type { WriteRecord } from "../disk/write-record.ts";
import type { OutputGate } from "../output-gate.ts";
import type { Settings } from "../settings.ts";
import type { StoreLanguage } from "../store/language.ts";
import { Attempts } from "./attempts.ts";
import { Elections } from "./elections.ts";
import { Ledger } from "./ledger.ts";
import { LogMatching } from "./log-matching.ts";
import { Storages } from "./storages.ts";
import { Stamps } from "./stamps.ts";
import { StoreOracle } from "./store-oracle.ts";
import { demand, Violation } from "./violation.ts";

/** What is watched of one running instance from turn to turn. */
export interface Watched {
  readonly node: NodeId;
  /** Tells this life of the node from others, of other storages too. */
  readonly life: string;
  readonly image: DurableImage;
  readonly gate: OutputGate;
  /** The last entry that it has written, durable or not. */
  writtenIndex: number;
  term: number;
  commitIndex: number;
  appliedIndex: number;
  /** The newest term in which it was seen to lead. */
  ledTerm: number;
}

export class Checks {
  readonly images: Storages;
  readonly elections = new Elections();
  readonly attempts = new Attempts();
  readonly ledger: Ledger;
  /** Null where no clients use all of the key-value store. */
  readonly store: StoreOracle | null;
  private readonly logs = new LogMatching();
  private readonly stamps: Stamps;
  /** Whether a command is one that the state machine has made. */
  private readonly isTimer: (command: Uint8Array) => boolean;

  constructor({ voters, learners, clocks, faults, store }: Settings, language: StoreLanguage) {
    this.stamps = new Stamps(faults.weights["clock jump"] > 0 ? null : clocks.driftRate);
    this.images = new Storages([...voters, ...learners]);
    this.store = store && new StoreOracle(store.options.retention);
    this.isTimer = (command) => {
      if (this.store === null) return language.nameOf(command) === null;
      const kind = decodeCommand(command)?.body.kind;
      return kind === "timer" || kind === "compact";
    };
    this.ledger = new Ledger(simpleConfiguration(voters, learners), this.images, (entry: Entry) => {
      if (this.store !== null) return this.store.committed(entry);
      const name = entry.kind === "command" ? language.nameOf(entry.data) : null;
      if (name !== null) this.attempts.committed(name, entry.index);
    });
  }

  /** A transaction has been made or a turn has ended, at this true time; not everything may be durable yet. */
  observe(watched: Watched, raft: Raft, trueMs: number): void {
    const { log, term } = raft;
    const { lastIndex } = log;
    // Alone in its group, a leader counts its own entry in the middle of a turn, whose next transaction will store it.
    const commitIndex = Math.min(log.commitIndex, watched.writtenIndex);
    const appliedIndex = Math.min(log.appliedIndex, watched.writtenIndex);
    demand(
      term >= watched.term && commitIndex >= watched.commitIndex && appliedIndex >= watched.appliedIndex,
      "monotone indexes",
      () => `${watched.node} fell back to term ${term}, commit ${commitIndex}, applied ${appliedIndex}`,
    );
    demand(
      appliedIndex <= commitIndex && commitIndex <= lastIndex,
      "monotone indexes",
      () => `${watched.node} has applied ${appliedIndex}, commit ${commitIndex}, last ${lastIndex}`,
    );
    if (raft.role === "leader" && watched.ledTerm !== term) this.startedToLead(watched, raft);
    else if (raft.role === "leader" && commitIndex > watched.commitIndex) this.committedAsLeader(watched, raft);
    if (raft.role === "leader") this.stamps.leads(raft, trueMs);
    if (commitIndex > watched.commitIndex) {
      const first = watched.commitIndex + 1;
      const { node, image } = watched;
      watched.gate.fact(() => this.ledger.claim(node, image, first, commitIndex, term));
    }
    watched.term = term;
    watched.commitIndex = commitIndex;
    watched.appliedIndex = appliedIndex;
  }

  /** Makes a transaction durable. */
  flush(node: NodeId, image: DurableImage, record: WriteRecord): void {
    const { hardState, entries, appliedIndex } = record;
    const before = {
      hardState: image.hardState,
      appliedIndex: image.appliedIndex,
      terms: replacedTerms(image, entries),
    };
    image.flush(record);
    if (record.restored !== null) image.digest = this.ledger.digestAt(record.restored.index);
    if (hardState !== null) {
      const { term, vote } = before.hardState;
      const kept = hardState.term > term || (hardState.term === term && (vote === null || vote === hardState.vote));
      demand(
        kept,
        "one vote a term",
        () => `${node} went from term ${term}, vote ${vote} to ${JSON.stringify(hardState)}`,
      );
    }
    for (const entry of entries) this.logs.stored(node, entry, image.term(entry.index - 1) ?? 0);
    const first = entries[0]?.index ?? 0;
    const lost = before.terms.findIndex((term, position) => image.term(first + position) !== term);
    if (lost >= 0) this.ledger.truncated(first + lost);
    for (const command of record.applied) {
      this.ledger.applied(node, command);
      this.store?.applied(command.index, command.result);
    }
    if (appliedIndex !== null) {
      demand(
        appliedIndex >= before.appliedIndex && appliedIndex <= image.lastIndex,
        "monotone indexes",
        () => `${node} stored applied ${appliedIndex} after ${before.appliedIndex}, last ${image.lastIndex}`,
      );
    }
  }

  /** Whether one of these entries is what the state machine wants to happen by itself. */
  hasTimer(entries: readonly Entry[]): boolean {
    return entries.some(({ kind, data }) => kind === "command" && this.isTimer(data));
  }

  /** A leader has not proposed what was due, though it could. */
  late(leader: NodeId, lateMs: number): never {
    throw new Violation("timers", `${leader} leads, and has not proposed what has been due for ${lateMs} ms`);
  }

  /** A transaction is durable, and so is all that follows from it: a node applies nothing but what is committed. */
  flushed(node: NodeId, image: DurableImage): void {
    demand(
      image.appliedIndex <= this.ledger.lastIndex,
      "state-machine safety",
      () => `${node} has applied ${image.appliedIndex}; only ${this.ledger.lastIndex} entries are committed`,
    );
  }

  /** Messages leave a node, and whatever they promise must be durable by now. */
  left({ node, life, image }: Watched, messages: readonly Message[]): void {
    for (const message of messages) {
      const { type, term, to } = message;
      const proposed = (type === "requestVote" || type === "voteReply") && message.preVote;
      demand(
        proposed || term <= image.hardState.term,
        "durable before it leaves",
        () => `${node} speaks of term ${term} and has stored ${image.hardState.term}`,
      );
      if (isFromLeader(message)) this.elections.leads(term, life);
      else if (type === "requestVote" && !message.preVote) this.voted(node, image, term, node);
      else if (type === "voteReply" && !message.preVote && message.granted) this.voted(node, image, term, to);
      else if (type === "appendReply" && message.rejection === null) {
        const { index } = message;
        demand(
          index <= image.lastIndex,
          "durable before it leaves",
          () => `${node} accepts up to ${index} and has stored ${image.lastIndex}`,
        );
      }
    }
  }

  private voted(node: NodeId, image: DurableImage, term: number, candidate: NodeId): void {
    const { hardState } = image;
    this.elections.voted(node, term, candidate, image);
    demand(
      hardState.term > term || hardState.vote === candidate,
      "durable before it leaves",
      () => `${node} votes for ${candidate} and has stored a vote for ${hardState.vote}`,
    );
  }

  /** A leader counts copies of entries of its own term alone; those before them are committed with them. */
  private committedAsLeader({ node }: Watched, { log, term }: Raft): void {
    const { commitIndex } = log;
    demand(
      log.term(commitIndex) === term,
      "commit of the own term",
      () => `${node} leads term ${term} and commits ${commitIndex} of term ${log.term(commitIndex)}`,
    );
  }

  private startedToLead(watched: Watched, { log, term }: Raft): void {
    const { node, life } = watched;
    watched.ledTerm = term;
    this.ledger.requireComplete(node, term, ({ index, term: entryTerm }) => {
      return index < log.firstIndex - 1 || log.term(index) === entryTerm;
    });
    watched.gate.fact(() => void this.elections.leads(term, life));
  }
}

/** The terms of the stored entries that a transaction replaces or removes. */
function replacedTerms(image: DurableImage, [first]: readonly Entry[]): readonly number[] {
  return first === undefined ? [] : image.log.slice(first.index - image.beginning.index - 1).map(({ term }) => term);
}
