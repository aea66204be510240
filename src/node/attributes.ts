/** What a group's configuration says of a member beyond its role: which storage is meant, and where its object is. */

import type { Configuration } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";

/** Members of the first configuration have none: their storages were made after it. */
export interface MemberAttributes {
  readonly storageId: string;
  readonly locationHint?: string;
}

export function encodeAttributes(attributes: MemberAttributes): string {
  return JSON.stringify(attributes);
}

export function attributesOf({ attributes }: Configuration, id: NodeId): MemberAttributes | null {
  // Node ids are not ours to choose, and an object has more properties than its own.
  if (!Object.hasOwn(attributes, id)) return null;
  // Written by `encodeAttributes` alone, and read back from a log that nobody else writes.
  return JSON.parse(attributes[id] ?? "null") as MemberAttributes | null;
}
