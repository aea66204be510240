/** One call of etcd's API: which group it is for, and what answers it. */

import type { ClusterClient } from "../cluster.ts";
import type { Position } from "../position.ts";
import type { StoreClient } from "../store.ts";
import type { Target } from "../target.ts";
import { headerOf } from "./identity.ts";
import type { ResponseHeader } from "./messages/common.ts";

export interface Call {
  readonly cluster: ClusterClient;
  readonly store: StoreClient;
  readonly target: Target;
  /** The address by which the client has reached this Worker, without a path at its end. */
  readonly url: string;
  /** Aborted when the client is gone, as far as that is known. */
  readonly signal: AbortSignal;
  /** How long its stream may say nothing: only what is written there shows everywhere that its client is gone. */
  readonly maxSilenceMs?: number;
  /** Takes care of work that goes on when the answer has been given. */
  background(this: void, work: Promise<unknown>): void;
}

/** The header of an answer that was given at `position`. */
export function header(
  call: Call,
  answer: { readonly position: Position; readonly revision?: number },
): ResponseHeader {
  return headerOf(call.target.group, answer.position, answer.revision);
}
