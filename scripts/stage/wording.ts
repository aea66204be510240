/** How a message, an entry and a configuration read in a trace, in the words of the Raft paper. */

import type { Configuration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { AppendEntries, Message } from "../../src/raft/message.ts";

/** An entry's place and term, as in `5@3`. */
export function placeOf({ index, term }: { readonly index: number; readonly term: number }): string {
  return `${index}@${term}`;
}

export function entryText(entry: Entry): string {
  const { kind, data, change } = entry;
  if (kind === "noop") return `${placeOf(entry)} no-op`;
  if (change !== undefined) {
    const changes = change.changes.map(({ type, id }) => `${changeWords[type]} ${id}`).join(", ");
    return `${placeOf(entry)} (${changes === "" ? "leave the joint configuration" : changes})`;
  }
  const text = new TextDecoder().decode(data);
  return text === "" ? placeOf(entry) : `${placeOf(entry)} ${text}`;
}

const changeWords = {
  addVoter: "voter",
  addLearner: "learner",
  addPromotable: "learner to be promoted",
  remove: "remove",
} as const;

export function entriesText(entries: readonly Entry[]): string {
  return entries.map(entryText).join(", ");
}

export function configurationText({ voters, outgoing, learners, learnersNext }: Configuration): string {
  const joint = outgoing.length === 0 ? "" : `, and jointly those before: ${outgoing.join(" ")}`;
  const next = [...learners, ...learnersNext];
  return `voters ${voters.join(" ")}${joint}${next.length === 0 ? "" : `; learners ${next.join(" ")}`}`;
}

export function messageText(message: Message): string {
  const { from, to, term } = message;
  const [name, content] = contentOf(message);
  const after = message.type === "appendEntries" ? `, after ${placeOf(previousOf(message))}` : "";
  return `${from} -> ${to}  ${name}, term ${term}${after}${content === "" ? "" : `: ${content}`}`;
}

function previousOf({ prevLogIndex: index, prevLogTerm: term }: AppendEntries): { index: number; term: number } {
  return { index, term };
}

function contentOf(message: Message): readonly [string, string] {
  switch (message.type) {
    case "requestVote": {
      const last = placeOf({ index: message.lastLogIndex, term: message.lastLogTerm });
      const what = message.preVote ? "PreVote" : "RequestVote";
      return [message.transfer ? `${what} on transfer` : what, `log ends with ${last}`];
    }
    case "voteReply":
      return [message.preVote ? "PreVote answer" : "RequestVote answer", message.granted ? "granted" : "refused"];
    case "appendEntries": {
      const { entries, commitIndex } = message;
      return ["AppendEntries", `${entries.length === 0 ? "nothing new" : entriesText(entries)}; commit ${commitIndex}`];
    }
    case "appendReply": {
      const { rejection, index } = message;
      if (rejection === null) return ["AppendEntries answer", `same log up to ${index}`];
      const hint = placeOf({ index: rejection.hintIndex, term: rejection.hintTerm });
      return ["AppendEntries answer", `refused, another entry or none at ${index}; the logs may meet at ${hint}`];
    }
    case "heartbeat":
      return ["Heartbeat", `commit ${message.commitIndex}`];
    case "heartbeatReply":
      return ["Heartbeat answer", ""];
    case "installSnapshot": {
      const { snapshot } = message;
      return ["InstallSnapshot", `the state up to ${placeOf(snapshot)}, ${configurationText(snapshot.configuration)}`];
    }
    case "readIndexRequest":
      return ["ReadIndex", `${message.contexts.length} reads`];
    case "readIndexReply":
      return ["ReadIndex answer", `${message.contexts.length} reads at ${message.index}`];
    case "timeoutNow":
      return ["TimeoutNow", ""];
  }
}
