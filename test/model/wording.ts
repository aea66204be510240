/** What the core sends and holds, in the words of the model. */

import type { ConfigurationChange } from "../../src/raft/configuration-change.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import { textOf } from "../raft/build.ts";
import type { Change, ModelEntry } from "./trace.ts";

const changeTypes = { AddVoter: "addVoter", AddLearner: "addLearner", Remove: "remove" } as const;

export function changeOf({ tag, value }: Change): ConfigurationChange {
  return { changes: [{ type: changeTypes[tag], id: value }], transition: "auto" };
}

/** An entry of the core, to be compared with one of the model. */
export function entryInWords(entry: Entry): string {
  const { term, kind, change } = entry;
  if (kind === "noop") return `${term}: noop`;
  if (kind === "command") return `${term}: command ${textOf(entry)}`;
  const [only] = change?.changes ?? [];
  return `${term}: ${only?.type} ${only?.id}`;
}

/** An entry of the model, to be compared with one of the core. */
export function modelEntryInWords({ term, content }: ModelEntry): string {
  switch (content.tag) {
    case "Noop":
      return `${term}: noop`;
    case "Command":
      return `${term}: command ${content.value}`;
    case "Configure":
      return `${term}: ${changeTypes[content.value.tag]} ${content.value.value}`;
  }
}

/** A message, and what tells it from all others in the model; an append has no words, as the model sends other ones. */
export interface Worded {
  readonly words: string;
  readonly message: Message;
}

/** One message of the core may be several of the model: of the reads that it is about each has its own there. */
export function inWords(message: Message): Worded[] {
  const { from, to, term } = message;
  const one = (tag: string, fields: object, said: Message = message): Worded => {
    return { words: wordsOf({ tag, value: { from, to, term, ...fields } }), message: said };
  };
  switch (message.type) {
    case "requestVote": {
      const { preVote, lastLogIndex: lastIndex, lastLogTerm: lastTerm, commitIndex: commit, commitTerm } = message;
      return [one("RequestVote", { preVote, lastIndex, lastTerm, commit, commitTerm })];
    }
    case "voteReply": {
      const { preVote, granted, commitIndex: commit, commitTerm } = message;
      return [one("VoteReply", { preVote, granted, commit, commitTerm })];
    }
    case "appendReply":
      return [one("AppendReply", { accepted: message.rejection === null, index: message.index, round: message.round })];
    case "heartbeat":
      return [one("Heartbeat", { commit: message.commitIndex, round: message.round, quiesce: message.quiesce })];
    case "heartbeatReply":
      return [one("HeartbeatReply", { round: message.round, quiesced: message.quiesced })];
    case "readIndexRequest":
      return message.contexts.map((context) => one("ReadRequest", { context }, { ...message, contexts: [context] }));
    case "readIndexReply": {
      const { index } = message;
      return message.contexts.map((context) =>
        one("ReadReply", { context, index }, { ...message, contexts: [context] }),
      );
    }
    case "appendEntries":
      return [];
    case "installSnapshot":
    case "timeoutNow":
      throw new Error(`the model knows no ${message.type}`);
  }
}

/** Equal for equal messages, whatever the order of their fields. */
export function wordsOf({ tag, value }: { readonly tag: string; readonly value: object }): string {
  const fields = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `${tag} ${JSON.stringify(Object.fromEntries(fields))}`;
}
