/** What the nodes say of themselves when nothing is written for long, for whoever wants to know why. */

import { send } from "./http.ts";
import type { NodeHandle } from "./node-handle.ts";

interface Cluster {
  readonly nodes: readonly View[];
}

/** Of a node that answers. */
interface View {
  readonly id: string;
  readonly role?: string;
  readonly member?: string;
  readonly term?: number;
  readonly leader?: string | null;
  readonly quiescent?: boolean;
  readonly log?: { readonly last_index: number; readonly commit_index: number };
}

/** A line for each node: how its process has it, and what it says itself. */
export async function viewsOf(nodes: readonly NodeHandle[]): Promise<string[]> {
  return await Promise.all(nodes.map(async (node) => `${node.id} is ${node.state}: ${await viewOf(node)}`));
}

async function viewOf({ id, url }: NodeHandle): Promise<string> {
  const answer = await send("GET", `${url}/v1/cluster?timeout=1s`);
  if (typeof answer !== "object" || answer.status !== 200) return "no answer";
  const { nodes } = JSON.parse(answer.text) as Cluster;
  const view = nodes.find((node) => node.id === id);
  if (view?.log === undefined) return "no status";
  const { role, member, term, leader, quiescent, log } = view;
  const rest = quiescent === true ? ", at rest" : "";
  return `${role} (${member}) in term ${term}, led by ${leader}${rest}, committed ${log.commit_index} of ${log.last_index}`;
}
