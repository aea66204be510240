/** Changes that an operator makes to a group at the worst of times: leadership handed over, votes taken and given. */

import { pickNode } from "./fault.ts";
import type { Arena, Fault } from "./fault.ts";

const groupFault = (name: string, weight: number, leastNodes: number, run: Fault["run"]): Fault => ({
  name,
  lane: "group",
  weight,
  leastNodes,
  run,
});

export const groupFaults: readonly Fault[] = [
  groupFault("transfer", 2, 2, async (arena) => {
    const { id } = pickNode(arena);
    arena.tell(`asks ${id} to lead`);
    await arena.call("POST", "/v1/cluster/transfer", { to: id });
  }),
  groupFault("compact", 2, 1, async (arena) => {
    arena.tell("forgets the history every 200 ms");
    for (let times = 0; times < compactions && !arena.isOver(); times += 1) {
      const read = (await arena.call("GET", "/v1/kv")) as { readonly revision?: number } | null;
      const revision = (read?.revision ?? 0) - keptRevisions;
      if (revision > 0) await arena.call("POST", "/v1/compact", { revision });
      await arena.sleep(200);
    }
  }),
  groupFault("demote", 1, 3, async (arena) => {
    const { id } = pickNode(arena);
    arena.tell(`takes the vote of ${id}`);
    await arena.call("POST", `/v1/cluster/members/${id}/demote`);
    await arena.sleep(arena.random.between(200, 2000));
    await promote(arena, id);
    arena.tell(`${id} has its vote again`);
  }),
];

const compactions = 10;
/** Watches that are further behind have to begin anew. */
const keptRevisions = 20;

/** Until it is done: a group that has lost a vote for good would bear one fault less from then on. */
async function promote(arena: Arena, id: string): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const status = (await arena.call("GET", "/v1/cluster/members")) as { readonly members?: readonly Member[] } | null;
    if (status?.members?.find((member) => member.id === id)?.role === "voter") return;
    await arena.call("POST", `/v1/cluster/members/${id}/promote`);
    await arena.sleep(200);
  }
}

interface Member {
  readonly id: string;
  readonly role: string;
}

const maxAttempts = 50;
