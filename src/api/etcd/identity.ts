/** The numbers by which etcd's API names a group and its nodes, and the header that carries them. */

import type { Position } from "../position.ts";
import type { ResponseHeader } from "./messages/common.ts";

const offsetBasis = 0xcbf2_9ce4_8422_2325n;
const prime = 0x0000_0100_0000_01b3n;
/** Clients in languages without whole numbers of 64 bits read these ids, too: so they have 53. */
const droppedBits = 11n;
const encoder = new TextEncoder();

/** Never 0, which stands for none. */
export function clusterIdOf(group: string): string {
  return digest(group);
}

/** Never 0. Follows from the names alone, so that it is the same wherever it is asked for. */
export function memberIdOf(group: string, node: string): string {
  return digest(`${group}/${node}`);
}

/** Without a revision where etcd sends none. */
export function headerOf(group: string, position: Position, revision?: number): ResponseHeader {
  return {
    cluster_id: clusterIdOf(group),
    member_id: memberIdOf(group, position.node),
    revision,
    raft_term: position.term,
  };
}

/** FNV-1a of 64 bits (draft-eastlake-fnv), and the upper ones of them. */
function digest(text: string): string {
  let hash = offsetBasis;
  for (const byte of encoder.encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime);
  return String(hash >> droppedBits || 1n);
}
