/** What `/v1/cluster` tells of a running cluster. */

export interface ClusterStatus {
  /** The node that leads, as far as the nodes that answered know. */
  readonly leader: string | null;
  readonly term: number | null;
  readonly nodes: readonly {
    readonly id: string;
    readonly reachable: boolean;
    /** Missing when the node is not reachable. */
    readonly log?: { readonly commit_index: number; readonly applied_index: number };
  }[];
}

export async function readClusterStatus(url: URL): Promise<ClusterStatus> {
  const response = await fetch(new URL("/v1/cluster", url));
  if (!response.ok) throw new Error(`/v1/cluster answered ${response.status}: ${await response.text()}`);
  return response.json<ClusterStatus>();
}
