/** Why a node does not take a peer's frame, in words that the peer can draw its conclusions from. */

import type { MemberStatus } from "../internal.ts";
import type { NodeId } from "../raft/entry.ts";

export type FrameRefusal = { readonly message: string } & (
  | { readonly code: "bad_request" | "joining" | "fenced" }
  /** The frame belongs to a group of the same name and another identity. */
  | { readonly code: "other_group"; readonly groupId: string }
  /** The sender's storage is not the one that is known by its name. */
  | { readonly code: "stranger" }
  /** The sender knows another storage by this node's name. */
  | { readonly code: "replaced" }
  /** The refusing node leads, and at this index of its log the sender is no member. */
  | {
      readonly code: "removed";
      readonly appliedIndex: number;
      readonly leader: NodeId;
      readonly members: readonly MemberStatus[];
    }
);

/** A frame that this node can't take, with what its sender is told. */
export class FrameRefusedError extends Error {
  override readonly name = "FrameRefusedError";
  readonly refusal: FrameRefusal;

  constructor(refusal: FrameRefusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** What a peer of this version says in a refusal; of any other only the words are known. */
export function readFrameRefusal(body: Uint8Array): FrameRefusal {
  const text = new TextDecoder().decode(body);
  try {
    const refusal = JSON.parse(text) as Partial<FrameRefusal> | null;
    if (typeof refusal?.code === "string" && typeof refusal.message === "string") return refusal as FrameRefusal;
  } catch {
    // Something else than a node has answered, or a node of another version.
  }
  return { code: "bad_request", message: text.slice(0, 300) };
}
