/** What a fault may reach: the processes, the network, the load, and who leads as far as anybody knows. */

import type { Random } from "../../test/sim/random.ts";
import type { LinkRule, Network } from "./network.ts";
import type { NodeHandle } from "./node-handle.ts";

export interface Arena {
  readonly nodes: readonly NodeHandle[];
  readonly network: Network;
  readonly random: Random;
  /** The node that was the last to say that it leads. */
  leader(): NodeHandle | undefined;
  /** How many writes have been acknowledged. */
  acknowledged(): number;
  /** How many entries of the log a node keeps at most. */
  readonly keptEntries: number;
  /** How often a node took over the state of another one. */
  snapshots(node: NodeHandle): number;
  /** Calls the API at a node that serves; null when none answers. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Whether the clients are to ask for nothing. */
  hush(isQuiet: boolean): void;
  /** Waits, but not beyond the end of the run. */
  sleep(ms: number): Promise<void>;
  /** True when no more faults are wanted. */
  isOver(): boolean;
  /** Says what happens now. */
  tell(text: string): void;
}

/** Of each lane one fault at a time is in force. */
export type Lane = "processes" | "network" | "group";

export interface Fault {
  readonly name: string;
  readonly lane: Lane;
  /** How often it is drawn, relative to the others of its lane. */
  readonly weight: number;
  /** With fewer nodes it makes no sense. */
  readonly leastNodes: number;
  /** Nor with more; missing for any number. */
  readonly mostNodes?: number;
  /** True for a fault that others would keep from its aim: none is in force beside it. */
  readonly alone?: boolean;
  /** What has to happen for the fault to have done what it is for. */
  readonly aim: string;
  /** Begins the fault, lets it last, and ends it. Answers whether its aim was reached. */
  readonly run: (arena: Arena) => Promise<boolean>;
}

export function pickNode({ nodes, random }: Arena): NodeHandle {
  return random.pick(nodes);
}

/** Waits until it is true, or for so long; answers whether it is. */
export async function until(arena: Arena, isTrue: () => boolean, mostMs: number): Promise<boolean> {
  for (let waitedMs = 0; !isTrue() && waitedMs < mostMs && !arena.isOver(); waitedMs += lookMs) {
    await arena.sleep(lookMs);
  }
  return isTrue();
}

/** Mostly lasts until another node leads, and a moment longer. Answers whether one does in the end. */
export async function untilDeposed(arena: Arena, leader: NodeHandle | undefined): Promise<boolean> {
  const { random } = arena;
  if (random.chance(0.7)) await until(arena, () => arena.leader() !== leader, maxElectionMs);
  await arena.sleep(random.between(0, 2000));
  return leader !== undefined && arena.leader() !== leader;
}

const maxElectionMs = 5000;
const lookMs = 20;

/** One more than half of them. */
export function pickMajority({ nodes, random }: Arena): NodeHandle[] {
  return random.shuffle(nodes).slice(0, Math.floor(nodes.length / 2) + 1);
}

/** Cuts a node off from all others, or as the rule says; the answer heals that. */
export function cutOff(
  { network }: Arena,
  { id }: NodeHandle,
  rule: Partial<LinkRule> = { blocked: true },
): () => void {
  return network.impose({ rule, applies: (from, to) => (from === id) !== (to === id) });
}

export function namesOf(nodes: readonly NodeHandle[]): string {
  return nodes.map(({ id }) => id).join(", ");
}
