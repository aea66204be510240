/** What a fault may reach: the processes, the network, the load, and who leads as far as anybody knows. */

import type { Random } from "../../test/sim/random.ts";
import type { Network } from "./network.ts";
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
  /** Calls the API at a node that serves; null when none answers. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
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
  /** Begins the fault, lets it last, and ends it. */
  readonly run: (arena: Arena) => Promise<void>;
}

export function pickNode({ nodes, random }: Arena): NodeHandle {
  return random.pick(nodes);
}

/** The leader, or any node when nobody is known to lead. */
export function leaderOrAny(arena: Arena): NodeHandle {
  return arena.leader() ?? pickNode(arena);
}

/** One more than half of them. */
export function pickMajority({ nodes, random }: Arena): NodeHandle[] {
  return random.shuffle(nodes).slice(0, Math.floor(nodes.length / 2) + 1);
}

export function namesOf(nodes: readonly NodeHandle[]): string {
  return nodes.map(({ id }) => id).join(", ");
}
