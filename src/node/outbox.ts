/** The messages of a turn, by whom they are for, until it is known which of them travel in an answer. */

import type { NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";

export class Outbox {
  private readonly send: (to: NodeId, messages: readonly Message[]) => void;
  private waiting = new Map<NodeId, Message[]>();

  constructor(send: (to: NodeId, messages: readonly Message[]) => void) {
    this.send = send;
  }

  /** Sends messages at once, past those that were collected: these may wait for writes that are yet to be made. */
  post(messages: readonly Message[]): void {
    for (const [to, sent] of Map.groupBy(messages, (message) => message.to)) this.send(to, sent);
  }

  collect(messages: readonly Message[]): void {
    for (const message of messages) {
      const waiting = this.waiting.get(message.to);
      if (waiting === undefined) this.waiting.set(message.to, [message]);
      else waiting.push(message);
    }
  }

  /** Sends what was collected, save for what is for `answering`: that is returned. */
  dispatch(answering: NodeId | null): readonly Message[] {
    if (this.waiting.size === 0) return [];
    const outgoing = this.waiting;
    this.waiting = new Map();
    for (const [to, messages] of outgoing) {
      if (to !== answering) this.send(to, messages);
    }
    return answering === null ? [] : (outgoing.get(answering) ?? []);
  }
}
