/** Who a new node is: made from the group's name and its first configuration. */

import type { MemberSpecification } from "../internal.ts";
import { simpleConfiguration } from "../raft/configuration.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { Identity } from "./storage.ts";

/** The first configuration of a group, as wrangler.toml lists its nodes. */
export function firstConfiguration(members: readonly MemberSpecification[]): Configuration {
  const ids = (role: MemberSpecification["role"]): string[] =>
    members.filter((member) => member.role === role).map((member) => member.id);
  return simpleConfiguration(ids("voter"), ids("learner"));
}

/** The identity of a node whose storage is being made. */
export function newIdentity(group: string, node: string, configuration: Configuration, random: () => number): Identity {
  return { group, node, groupId: groupId(group, configuration), storageId: draw(random) };
}

/** The identity of a node that is made to join a group which exists. */
export function joiningIdentity(group: string, node: string, joinedId: string, random: () => number): Identity {
  return { group, node, groupId: joinedId, storageId: draw(random) };
}

/** The identity of the group that a recovery makes of a survivor: another one, and known to be later than the one before. */
export function recoveredGroupId(before: string, random: () => number): string {
  return `${draw(random)}.${generationOf(before) + 1}`;
}

/** How many recoveries have led to a group. */
export function generationOf(id: string): number {
  return Number(id.split(".")[1] ?? 0);
}

function draw(random: () => number): string {
  return [random(), random()].map((part) => hex32(Math.floor(part * 0x1_0000_0000))).join("");
}

/** Nodes that were told different things about their group must not form one: their ids differ. */
function groupId(group: string, { voters, learners }: Configuration): string {
  const text = JSON.stringify([group, voters.toSorted(), learners.toSorted()]);
  return fnv1a(text, 0x811c_9dc5) + fnv1a(text, 0x01b3_5d2f);
}

/** The Fowler-Noll-Vo hash in its 1a form, 32 bits, as hexadecimal digits. It tells mistakes apart, not attackers. */
function fnv1a(text: string, basis: number): string {
  let hash = basis;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hex32(hash);
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
