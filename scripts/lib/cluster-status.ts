/** What `/v1/cluster` tells of a running cluster. */

import type { NodeStatus } from "../../src/internal.ts";

/** The nodes that answered. */
export async function readNodes(url: URL): Promise<NodeStatus[]> {
  const response = await fetch(new URL("/v1/cluster", url));
  if (!response.ok) throw new Error(`/v1/cluster answered ${response.status}: ${await response.text()}`);
  const { nodes } = await response.json<{ readonly nodes: readonly Partial<NodeStatus>[] }>();
  return nodes.filter((node): node is NodeStatus => node.role !== undefined);
}

/** The node that leads in the highest term, if one does. */
export async function readLeader(url: URL): Promise<NodeStatus | undefined> {
  const leaders = (await readNodes(url)).filter((node) => node.role === "leader");
  return leaders.toSorted((left, right) => right.term - left.term)[0];
}
