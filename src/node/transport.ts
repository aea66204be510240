/** Carries frames to peers by `fetch` between object stubs: one call takes all that waits for a peer, its answer brings the replies. */

import type { NodeId } from "../raft/entry.ts";
import type { AppendEntries, Message } from "../raft/message.ts";

/** How a call ended, as metrics and the log name it. */
export type CallResult = "ok" | "refused" | "unreachable" | "timeout" | "malformed";

export interface CallFailure {
  readonly result: Exclude<CallResult, "ok">;
  readonly detail: string;
}

export type CallAnswer = { readonly result: "ok"; readonly messages: readonly Message[] } | CallFailure;

export interface TransportHost {
  /** Makes one call; never throws. It must start before it returns, so that it runs beside a write that follows. */
  call(to: NodeId, messages: readonly Message[]): Promise<CallAnswer>;
  receive(messages: readonly Message[]): void;
  /** Asks for a call of `sendPostponed` in a few milliseconds. */
  scheduleSend(): void;
  unreachable(peer: NodeId): void;
  observe(peer: NodeId, answer: CallAnswer, messages: readonly Message[]): void;
}

/** The platform allows six calls at a time to wait for their answers; a few to each peer keep a long line full. */
const maxCallsPerPeer = 4;
/** More than any window lets wait: a peer that takes nothing has lost what was meant for it. */
const maxWaitingMessages = 256;

interface Line {
  waiting: Message[];
  /** An append without entries: it tells a moved commit index, or asks where the peer is. Both can wait a little. */
  postponed: AppendEntries | null;
  /** It has been waiting for a whole interval of `sendPostponed`. */
  overdue: boolean;
  calls: number;
}

export class Transport {
  private readonly host: TransportHost;
  private readonly lines = new Map<NodeId, Line>();
  private scheduled = false;

  constructor(host: TransportHost) {
    this.host = host;
  }

  send(to: NodeId, messages: readonly Message[]): void {
    const line = this.lines.get(to) ?? { waiting: [], postponed: null, overdue: false, calls: 0 };
    this.lines.set(to, line);
    for (const message of messages) add(line, message);
    if (line.waiting.length > maxWaitingMessages) line.waiting = [];
    this.pump(to, line);
    if (line.postponed !== null) this.schedule();
  }

  /** Sends what has waited since the last call and nothing else has taken along; the rest waits for the next call. */
  sendPostponed(): void {
    this.scheduled = false;
    for (const [to, line] of this.lines) {
      if (line.postponed === null) continue;
      if (line.overdue) {
        line.waiting.push(line.postponed);
        line.postponed = null;
        this.pump(to, line);
      } else {
        line.overdue = true;
        this.schedule();
      }
    }
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.host.scheduleSend();
  }

  private pump(to: NodeId, line: Line): void {
    if (line.calls >= maxCallsPerPeer || line.waiting.length === 0) return;
    const messages = line.postponed === null ? line.waiting : [...line.waiting, line.postponed];
    line.postponed = null;
    line.waiting = [];
    line.calls += 1;
    void this.exchange(to, line, messages);
  }

  private async exchange(to: NodeId, line: Line, messages: readonly Message[]): Promise<void> {
    const answer = await this.host.call(to, messages);
    line.calls -= 1;
    this.host.observe(to, answer, messages);
    if (answer.result === "ok") {
      if (answer.messages.length > 0) this.host.receive(answer.messages);
    } else {
      // What waits was written for a peer that was thought to be there; the core will say it anew.
      line.waiting = [];
      line.postponed = null;
      this.host.unreachable(to);
    }
    this.pump(to, line);
  }
}

function add(line: Line, message: Message): void {
  if (message.type === "appendEntries") {
    // Under load the next entries follow within the wait and say the same: that saves a call, and the follower a
    // transaction, for nearly every batch. An earlier postponed one has nothing to add to any later append.
    line.postponed = message.entries.length === 0 ? message : null;
    line.overdue = false;
    if (message.entries.length === 0) return;
  }
  // A heartbeat says all that an earlier one would have said.
  if (message.type === "heartbeat") line.waiting = line.waiting.filter((other) => other.type !== "heartbeat");
  line.waiting.push(message);
}
