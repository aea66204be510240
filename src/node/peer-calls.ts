/** Calls between nodes as HTTP: frames in, frames out, through object stubs. */

import { MalformedError } from "../bytes/reader.ts";
import type { Env } from "../env.ts";
import { internalHeader, internalOrigin, internalPath, objectName, type Refusal } from "../internal.ts";
import type { JoinAnswer, JoinRequest } from "../membership.ts";
import type { NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import { decodeFrame, encodeFrame, type Frame, FrameVersionError } from "./frame.ts";
import { decodePart, decodePartAnswer, encodePart, type PartAnswer, type SnapshotPart } from "./snapshot-part.ts";
import { FrameRefusedError, readFrameRefusal } from "./frame-refusal.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { StoredNode } from "./storage.ts";
import type { CallAnswer, CallFailure } from "./transport.ts";

/** How the call with a page of a snapshot ended. */
export type PartOutcome = { readonly result: "ok"; readonly answer: PartAnswer } | CallFailure;

/** The peer took too long. */
class CallTimeoutError extends Error {
  override readonly name = "CallTimeoutError";
}

export class PeerCalls {
  private readonly namespace: Env["RAFT_NODE"];
  private readonly stored: StoredNode;
  private readonly hintOf: (id: NodeId) => string | undefined;
  private readonly gatekeeper: Gatekeeper;
  private readonly timeoutMs: number;
  private ended = false;

  /**
   * @param hintOf where a node's object is created, if it has not been
   * @param timeoutMs how long a call may take; what is late is worthless to the protocol
   */
  constructor(
    namespace: Env["RAFT_NODE"],
    stored: StoredNode,
    hintOf: (id: NodeId) => string | undefined,
    gatekeeper: Gatekeeper,
    timeoutMs: number,
  ) {
    this.namespace = namespace;
    this.stored = stored;
    this.hintOf = hintOf;
    this.gatekeeper = gatekeeper;
    this.timeoutMs = timeoutMs;
  }

  /** The node has ended, and its storage may be another's: what is said of the one is nothing about the other. */
  end(): void {
    this.ended = true;
  }

  /** Carries messages to a peer, and its replies back. Never throws. */
  async call(to: NodeId, messages: readonly Message[]): Promise<CallAnswer> {
    const body = encodeFrame(this.frame(to, messages));
    return await this.exchange(to, internalPath.raft, body, (answer) => {
      const frame = this.accept(decode(answer, decodeFrame), to);
      return { result: "ok", messages: frame.messages };
    });
  }

  /** Carries a page of a snapshot to a peer, and brings what it says to it. Never throws. */
  async sendPart(to: NodeId, part: SnapshotPart): Promise<PartOutcome> {
    const body = encodePart(this.frame(to, [part.message]), part);
    return await this.exchange(to, internalPath.snapshot, body, (bytes) => {
      const { frame, answer } = decode(bytes, decodePartAnswer);
      this.accept(frame, to);
      return { result: "ok", answer };
    });
  }

  /** Asks an object to wait to become a member of this group. Throws where no node answers. */
  async join(to: NodeId, hint: string | undefined, request: JoinRequest): Promise<JoinAnswer | Refusal> {
    const { status, by, body } = await this.post(to, internalPath.join, JSON.stringify(request), hint);
    if (by !== to) throw new Error(`HTTP ${status}`);
    // Nodes alone set that header, and their answers to this call are of these two kinds.
    return JSON.parse(new TextDecoder().decode(body)) as JoinAnswer | Refusal;
  }

  /** Reads a frame that is meant for this node. Throws a `FrameRefusedError` for any other. */
  read(bytes: Uint8Array): Frame {
    const frame = decode(bytes, decodeFrame);
    this.gatekeeper.check(frame);
    return frame;
  }

  /** Reads a page of a snapshot that is meant for this node. Throws as `read` does. */
  readPart(bytes: Uint8Array): SnapshotPart {
    const { frame, part } = decode(bytes, decodePart);
    this.gatekeeper.check(frame);
    return part;
  }

  /** Makes a frame of messages to one peer. */
  frame(to: NodeId, messages: readonly Message[]): Frame {
    const { incarnation, identity } = this.stored;
    const { groupId, storageId, node: from } = identity;
    const toStorageId = this.gatekeeper.storageIdOf(to, messages);
    return { groupId, from, to, storageId, incarnation, toStorageId, messages };
  }

  private async post(to: NodeId, path: string, body: BodyInit, hint = this.hintOf(to)): Promise<Posted> {
    const { group } = this.stored.identity;
    // A stub that has failed fails for ever, so each call has its own; and the platform's own retries would bring
    // messages seconds late (Durable Objects docs, "Automatic retries", 2026).
    const stub = this.namespace.getByName(objectName(group, to), {
      // There may be regions that these types do not know yet; an unknown hint is ignored by the platform.
      ...(hint === undefined ? {} : { locationHint: hint as DurableObjectLocationHint }),
      retry: { maxRetries: 0 },
    });
    // `AbortSignal.timeout` can't be taken back, and an object may have 10,000 timers (seen in workerd, 2026-11).
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.timeoutMs);
    try {
      const response = await stub.fetch(internalOrigin + path, {
        method: "POST",
        headers: { [internalHeader.group]: group, [internalHeader.node]: to },
        body,
        signal: late.signal,
      });
      const { status, headers } = response;
      return { status, by: headers.get(internalHeader.node), body: new Uint8Array(await response.arrayBuffer()) };
    } catch (error) {
      // What the call is rejected with is not the reason given to the abort, not even of its class (seen in workerd, 2026-11).
      if (late.signal.aborted) throw new CallTimeoutError("no answer in time");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private async exchange<Answer extends CallAnswer | PartOutcome>(
    to: NodeId,
    path: string,
    request: BodyInit,
    read: (answer: Uint8Array) => Answer,
  ): Promise<Answer | CallFailure> {
    try {
      const { status, by, body } = await this.post(to, path, request);
      if (this.ended) return failure("unreachable", "this node has ended");
      // A local cluster answers for an object that it can't find, and so may anything in between.
      if (by !== to) return failure("unreachable", `HTTP ${status}`);
      if (status !== 200) {
        const refusal = readFrameRefusal(body);
        this.gatekeeper.consider(refusal, to);
        return failure("refused", refusal.message);
      }
      return read(body);
    } catch (error) {
      return failureOf(error);
    }
  }

  private accept(frame: Frame, from: NodeId): Frame {
    this.gatekeeper.check(frame);
    if (frame.from !== from) {
      throw new FrameRefusedError({ code: "bad_request", message: `${frame.from} answered for ${from}` });
    }
    return frame;
  }
}

interface Posted {
  readonly status: number;
  /** The node that answered; null when something else did. */
  readonly by: string | null;
  readonly body: Uint8Array;
}

function decode<Decoded>(bytes: Uint8Array, read: (bytes: Uint8Array) => Decoded): Decoded {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof MalformedError || error instanceof FrameVersionError) {
      throw new FrameRefusedError({ code: "bad_request", message: error.message });
    }
    throw error;
  }
}

function failureOf(error: unknown): CallFailure {
  if (error instanceof FrameRefusedError) return failure("malformed", error.message);
  if (error instanceof CallTimeoutError) return failure("timeout", error.message);
  return failure("unreachable", error instanceof Error ? error.message : String(error));
}

function failure(result: CallFailure["result"], detail: string): CallFailure {
  return { result, detail };
}
