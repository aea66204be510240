/** Calls between nodes as HTTP: frames in, frames out, through object stubs. */

import { MalformedError } from "../bytes/reader.ts";
import type { Env } from "../env.ts";
import { internalHeader, internalOrigin, internalPath, type MemberSpecification, objectName } from "../internal.ts";
import type { NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import { decodeFrame, encodeFrame, type Frame, FrameVersionError } from "./frame.ts";
import type { StoredNode } from "./storage.ts";
import type { CallAnswer } from "./transport.ts";

/** A frame that this node can't take, with the reason that its sender is told. */
export class FrameRefusedError extends Error {
  override readonly name = "FrameRefusedError";
}

/** The peer took too long. */
class CallTimeoutError extends Error {
  override readonly name = "CallTimeoutError";
}

export class PeerCalls {
  private readonly namespace: Env["RAFT_NODE"];
  private readonly stored: StoredNode;
  private readonly hints: ReadonlyMap<NodeId, DurableObjectLocationHint>;
  private readonly timeoutMs: number;

  /** @param timeoutMs how long a call may take; what is late is worthless to the protocol */
  constructor(
    namespace: Env["RAFT_NODE"],
    stored: StoredNode,
    specifications: readonly MemberSpecification[],
    timeoutMs: number,
  ) {
    this.namespace = namespace;
    this.stored = stored;
    this.timeoutMs = timeoutMs;
    this.hints = new Map(
      specifications.flatMap(({ id, locationHint }) =>
        // wrangler.toml may name regions that these types do not know yet; an unknown hint is ignored by the platform.
        locationHint === undefined ? [] : [[id, locationHint as DurableObjectLocationHint]],
      ),
    );
  }

  async call(to: NodeId, messages: readonly Message[]): Promise<CallAnswer> {
    const { group } = this.stored.identity;
    const locationHint = this.hints.get(to);
    // A stub that has failed fails for ever, so each call has its own; and the platform's own retries would bring
    // messages seconds late (Durable Objects docs, "Automatic retries", 2026).
    const stub = this.namespace.getByName(objectName(group, to), {
      ...(locationHint === undefined ? {} : { locationHint }),
      retry: { maxRetries: 0 },
    });
    // `AbortSignal.timeout` can't be taken back, and an object may have 10,000 timers (seen in workerd, 2026-11).
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new CallTimeoutError()), this.timeoutMs);
    try {
      const response = await stub.fetch(internalOrigin + internalPath.raft, {
        method: "POST",
        headers: { [internalHeader.group]: group, [internalHeader.node]: to },
        body: encodeFrame(this.frame(to, messages)),
        signal: late.signal,
      });
      const body = new Uint8Array(await response.arrayBuffer());
      // A local cluster answers for an object that it can't find, and so may anything in between.
      if (response.headers.get(internalHeader.node) !== to) return failure("unreachable", `HTTP ${response.status}`);
      if (response.status !== 200) return failure("refused", new TextDecoder().decode(body).slice(0, 300));
      return { result: "ok", messages: this.accept(body, to) };
    } catch (error) {
      return failureOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads a frame that is meant for this node. Throws a `FrameRefusedError` for any other. */
  read(bytes: Uint8Array): Frame {
    const { group, node, groupId } = this.stored.identity;
    const frame = decode(bytes);
    if (frame.groupId !== groupId) throw new FrameRefusedError(`group ${group} has another identity here`);
    if (frame.to !== node) throw new FrameRefusedError(`this is node ${node}`);
    return frame;
  }

  /** Makes a frame of messages to one peer. */
  frame(to: NodeId, messages: readonly Message[]): Frame {
    const { incarnation, identity } = this.stored;
    const { groupId, storageId, node: from } = identity;
    return { groupId, from, to, storageId, incarnation, messages };
  }

  private accept(bytes: Uint8Array, from: NodeId): readonly Message[] {
    const frame = this.read(bytes);
    if (frame.from !== from) throw new FrameRefusedError(`${frame.from} answered for ${from}`);
    return frame.messages;
  }
}

function decode(bytes: Uint8Array): Frame {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (error instanceof MalformedError || error instanceof FrameVersionError) {
      throw new FrameRefusedError(error.message);
    }
    throw error;
  }
}

function failureOf(error: unknown): CallAnswer {
  if (error instanceof FrameRefusedError) return failure("malformed", error.message);
  if (error instanceof CallTimeoutError) return failure("timeout", "no answer in time");
  return failure("unreachable", error instanceof Error ? error.message : String(error));
}

function failure(result: "refused" | "unreachable" | "timeout" | "malformed", detail: string): CallAnswer {
  return { result, detail };
}
