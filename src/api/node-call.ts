/** One call from the Worker to one node, and the four ways in which it can end. */

import type { Env } from "../env.ts";
import { internalHeader, internalOrigin, objectName, refusalStatus } from "../internal.ts";
import type { Consistency, internalPath, MemberSpecification, Refusal } from "../internal.ts";
import { readPosition } from "./position.ts";
import type { Position } from "./position.ts";

export type Attempt =
  | { readonly kind: "answer"; readonly body: Uint8Array; readonly position: Position }
  | { readonly kind: "refusal"; readonly refusal: Refusal; readonly position: Position }
  /** No node answered. Whether the call reached one, and what it did there, is not known. */
  | { readonly kind: "unreachable"; readonly reason: "timeout" | "unreachable" }
  /** The platform queues no more calls to this object. It did not get this one. */
  | { readonly kind: "overloaded" };

/** What a read must hold beside its consistency. */
export interface ReadBounds {
  /** How old the state of a stale read may be; missing: as old as it is. */
  readonly maxStalenessMs?: number;
  /** The index of an entry that the state must include. */
  readonly minIndex?: number;
}

export interface NodeCall {
  readonly env: Env;
  readonly group: string;
  readonly path: (typeof internalPath)[keyof typeof internalPath];
  readonly body: Uint8Array | null;
  /** Read by `status` alone, see `internalHeader.suspect`; empty for no leader in particular. */
  readonly suspect?: string;
  /** Read by `query` and `subscribe` alone, with the bounds. */
  readonly consistency: Consistency;
  readonly bounds?: ReadBounds;
  /** How long to wait for the answer. */
  readonly timeoutMs: number;
}

const decoder = new TextDecoder();
/** A node is told to give up this much earlier than its caller does, so that its reason still arrives. */
const maxReturnMs = 250;

export async function callNode(member: MemberSpecification, call: NodeCall): Promise<Attempt> {
  const { path, body, timeoutMs } = call;
  try {
    const response = await stubOf(member, call).fetch(internalOrigin + path, {
      method: "POST",
      headers: callHeaders(member, call),
      body,
      signal: AbortSignal.timeout(Math.max(1, timeoutMs)),
    });
    return readAnswer(response.status, response.headers, new Uint8Array(await response.arrayBuffer()));
  } catch (error) {
    return readError(error);
  }
}

/**
 * A node's object. A stub that has failed once may fail for ever, so each call has its own; the runtime's own retries would
 * repeat a write behind our back.
 */
export function stubOf(member: MemberSpecification, { env, group }: NodeCall): DurableObjectStub {
  return env.RAFT_NODE.getByName(objectName(group, member.id), {
    // wrangler.toml may name regions that these types do not know.
    ...(member.locationHint !== undefined && { locationHint: member.locationHint as DurableObjectLocationHint }),
    retry: { maxRetries: 0 },
  });
}

export function callHeaders(member: MemberSpecification, call: NodeCall): Record<string, string> {
  const { group, timeoutMs } = call;
  const patienceMs = Math.max(1, Math.floor(timeoutMs - Math.min(timeoutMs / 4, maxReturnMs)));
  return {
    [internalHeader.group]: group,
    [internalHeader.node]: member.id,
    [internalHeader.timeoutMs]: String(patienceMs),
    [internalHeader.consistency]: call.consistency,
    ...(call.suspect !== undefined && { [internalHeader.suspect]: call.suspect }),
    ...boundHeaders(call.bounds),
  };
}

function boundHeaders({ maxStalenessMs, minIndex }: ReadBounds = {}): Record<string, string> {
  return {
    ...(maxStalenessMs !== undefined && { [internalHeader.maxStalenessMs]: String(maxStalenessMs) }),
    ...(minIndex !== undefined && { [internalHeader.minIndex]: String(minIndex) }),
  };
}

/** JSON from a node; undefined for bytes that are none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** What an answer says that has been read to its end. */
export function readAnswer(status: number, headers: Headers, body: Uint8Array): Attempt {
  // The platform answers for objects that it can't reach; only a node sets this header.
  if (headers.get(internalHeader.node) === null) return { kind: "unreachable", reason: "unreachable" };
  const position = readPosition(headers);
  if (status === 200) return { kind: "answer", body, position };
  const refusal = status === refusalStatus ? (parseJson(body) as Partial<Refusal> | null | undefined) : undefined;
  if (typeof refusal?.code !== "string") return { kind: "unreachable", reason: "unreachable" };
  // Only a refusal that says so has not taken effect.
  const { code, message = "", ambiguous = true, members = [] } = refusal;
  return { kind: "refusal", refusal: { code, message, ambiguous, members }, position };
}

/** What an error says that a stub has thrown. */
export function readError(error: unknown): Exclude<Attempt, { kind: "answer" | "refusal" }> {
  // The property that Cloudflare documents on errors thrown by stubs; such a call must not be repeated.
  if (error instanceof Error && "overloaded" in error && error.overloaded === true) return { kind: "overloaded" };
  const timedOut = error instanceof Error && error.name === "TimeoutError";
  return { kind: "unreachable", reason: timedOut ? "timeout" : "unreachable" };
}
