/** What an operator and the clients do to a group at the worst of times: hand over, take votes, forget, and fall silent. */

import { pickNode, until } from "./fault.ts";
import type { Arena, Fault } from "./fault.ts";

export const groupFaults: readonly Fault[] = [
  groupFault("transfer", 2, 2, "the node that was asked leads", async (arena) => {
    const leader = arena.leader();
    const target = arena.random.pick(arena.nodes.filter((node) => node !== leader));
    arena.tell(`asks ${target.id} to lead`);
    await arena.call("POST", "/v1/cluster/transfer", { to: target.id });
    return await until(arena, () => arena.leader() === target, 1000);
  }),
  groupFault("compact", 2, 1, "history is forgotten while watches are open", async (arena) => {
    arena.tell("forgets the history every 200 ms");
    let forgotten = 0;
    for (let times = 0; times < compactions && !arena.isOver(); times += 1) {
      forgotten += Number(await forget(arena));
      await arena.sleep(200);
    }
    return forgotten > 0;
  }),
  groupFault("demote", 1, 3, "a vote was taken, and was given back", async (arena) => {
    const { id } = pickNode(arena);
    arena.tell(`takes the vote of ${id}`);
    // With two voters left nobody may fail any more, which has to be asked for.
    const taken = await arena.call("POST", `/v1/cluster/members/${id}/demote?force=true`);
    await arena.sleep(arena.random.between(200, 2000));
    const isBack = await promote(arena, id);
    arena.tell(`${id} has its vote again`);
    return taken !== null && isBack;
  }),
  groupFault("silence", 1, 1, "the group rests", async (arena) => {
    arena.tell("the clients ask for nothing");
    arena.hush(true);
    const untilMs = performance.now() + arena.random.between(2500, 5000);
    let rests = false;
    while (performance.now() < untilMs && !arena.isOver()) {
      await arena.sleep(300);
      rests ||= await isAtRest(arena);
    }
    arena.hush(false);
    arena.tell(`the clients go on; the group ${rests ? "rested" : "did not rest"}`);
    return rests;
  }),
];

const compactions = 15;
/** Watches that are further behind have to begin anew. */
const keptRevisions = 10;
const maxPromotions = 50;

function groupFault(name: string, weight: number, leastNodes: number, aim: string, run: Fault["run"]): Fault {
  return { name, lane: "group", weight, leastNodes, aim, run };
}

/** To ask each node how it is wakes nobody. */
async function isAtRest(arena: Arena): Promise<boolean> {
  const cluster = (await arena.call("GET", "/v1/cluster")) as { readonly nodes?: readonly Seen[] } | null;
  return cluster?.nodes?.some(({ quiescent }) => quiescent === true) ?? false;
}

interface Seen {
  /** Missing for a node that does not answer. */
  readonly quiescent?: boolean;
}

async function forget(arena: Arena): Promise<boolean> {
  const read = (await arena.call("GET", "/v1/kv?limit=1")) as { readonly revision?: number } | null;
  const revision = (read?.revision ?? 0) - keptRevisions;
  return revision > 0 && (await arena.call("POST", "/v1/compact", { revision })) !== null;
}

interface Member {
  readonly id: string;
  readonly role: string;
}

/** Until it is done: a group that has lost a vote for good would bear one fault less from then on. */
async function promote(arena: Arena, id: string): Promise<boolean> {
  for (let attempt = 0; attempt < maxPromotions; attempt += 1) {
    const status = (await arena.call("GET", "/v1/cluster/members")) as { readonly members?: readonly Member[] } | null;
    if (status?.members?.find((member) => member.id === id)?.role === "voter") return true;
    await arena.call("POST", `/v1/cluster/members/${id}/promote`);
    await arena.sleep(200);
  }
  return false;
}
