/** What a node answers to internal calls, as HTTP responses. */

import { internalHeader, type Refusal, type RefusalCode, refusalStatus } from "../internal.ts";
import type { FrameRefusal } from "./frame-refusal.ts";

/** What every answer says about the node that made it. */
export interface AnsweredBy {
  readonly node: string;
  readonly term: number;
  readonly index: number;
  readonly leader: string | null;
  /** How many recoveries led to its group. */
  readonly generation: number;
}

export function answer(body: BodyInit | null, by: AnsweredBy, contentType = "application/octet-stream"): Response {
  return new Response(body, { headers: { ...headersOf(by), "content-type": contentType } });
}

/** The answer to a peer, whose frame says all that there is to say. */
export function answerPeer(frame: BodyInit, node: string): Response {
  return new Response(frame, { headers: { [internalHeader.node]: node } });
}

export function refuse(refusal: Refusal, by: AnsweredBy | null): Response {
  return Response.json(refusal, { status: refusalStatus, headers: by === null ? {} : headersOf(by) });
}

/** Refuses a peer's frame. */
export function refuseFrame(refusal: FrameRefusal, by: AnsweredBy): Response {
  return Response.json({ ...refusal, ambiguous: false }, { status: refusalStatus, headers: headersOf(by) });
}

/** Refuses a call that is not of this protocol. */
export function badRequest(message: string, by: AnsweredBy | null): Response {
  const code: RefusalCode = "bad_request";
  return refuse({ code, message, ambiguous: false }, by);
}

/** Where the node stood, as every answer says it. */
export function headersOf({ node, term, index, leader, generation }: AnsweredBy): Record<string, string> {
  const headers = {
    [internalHeader.node]: node,
    [internalHeader.term]: String(term),
    [internalHeader.index]: String(index),
    ...(generation > 0 && { [internalHeader.generation]: String(generation) }),
  };
  return leader === null ? headers : { ...headers, [internalHeader.leader]: leader };
}
