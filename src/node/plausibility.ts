/** What no peer can have come to honestly, and a node would never get rid of again once it had believed it. */

import { maxElectionMs } from "../env.ts";
import type { AppendEntries, Message } from "../raft/message.ts";

/** A term is one more than the one before; no group has so many elections, and no node can have missed so many. */
export const maxTermLead = 2 ** 32;
/** In milliseconds: more than 100,000 years, and what is still added to it is a whole number all the same. */
export const maxTimeMs = 2 ** 52;

/** What is wrong with a message that is taken by a node of that term; null for what may be true. */
export function implausible(message: Message, term: number): string | null {
  if (message.term > term + maxTermLead) return "a term that no group comes to";
  switch (message.type) {
    case "appendEntries":
      return implausibleEntries(message);
    case "heartbeat":
      if (message.leaseMs > maxElectionMs) return "a promise for longer than any election timeout";
      return message.timeMs > maxTimeMs ? "a time that never comes" : null;
    case "installSnapshot": {
      const { snapshot } = message;
      if (snapshot.term > message.term) return "a state of a later term than its sender's";
      return snapshot.timeMs > maxTimeMs ? "a time that never comes" : null;
    }
    case "requestVote":
      return message.lastLogTerm > message.term ? "a log of a later term than its owner's" : null;
    case "voteReply":
    case "appendReply":
    case "heartbeatReply":
    case "readIndexRequest":
    case "readIndexReply":
    case "timeoutNow":
      return null;
  }
}

/** Terms rise along a log, and a leader has no entry of a later term than its own. */
function implausibleEntries({ term, prevLogTerm, entries }: AppendEntries): string | null {
  let lastTerm = prevLogTerm;
  for (const entry of entries) {
    if (entry.term < lastTerm) return "entries whose terms fall";
    if (entry.timeMs > maxTimeMs) return "a time that never comes";
    lastTerm = entry.term;
  }
  return lastTerm > term ? "entries of a later term than their leader's" : null;
}
