/** Groups of nodes that speak the internal protocol over real machines, without Raft, and fail as they are told to. */

import { encodeOutcomes } from "../../src/batch.ts";
import type { Env } from "../../src/env.ts";
import { internalHeader, internalOrigin, internalPath, refusalStatus } from "../../src/internal.ts";
import type { MemberStatus, NodeStatus, RefusalCode } from "../../src/internal.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import { decodeParts } from "../../src/parts.ts";
import { NodeSql } from "../support/node-sql.ts";

/** A call as a node sees it. */
export interface Call {
  readonly group: string;
  readonly node: string;
  readonly path: string;
  readonly headers: Headers;
  readonly options: DurableObjectNamespaceGetDurableObjectOptions | undefined;
  readonly signal: AbortSignal;
}

/** What happens to a call instead of what should; `proceed` does that. */
export type Fault = (call: Call, proceed: () => Response) => Response | Promise<Response>;

/** All nodes of one group. What the leader applies, the others apply at once, but for those in `lagging`. */
export class FakeGroup {
  term = 1;
  index = 1;
  /** How many recoveries led to it. */
  generation = 0;
  /** Cluster time. */
  timeMs = 1_700_000_000_000;
  leader: string | null = "n1";
  readonly lagging = new Set<string>();
  /** Who belongs to it, as its nodes say. */
  members: readonly MemberStatus[] = [];
  readonly machines = new Map<string, KeyValueMachine>();

  constructor(ids: readonly string[]) {
    for (const id of ids) this.machines.set(id, new KeyValueMachine(new NodeSql()));
  }

  elect(leader: string | null): void {
    this.leader = leader;
    this.term += 1;
  }

  propose(command: Uint8Array): Uint8Array {
    this.index += 1;
    const committed = { index: this.index, term: this.term, timeMs: this.timeMs, command };
    const results = [...this.machines].map(([id, machine]) => (this.lagging.has(id) ? [] : machine.apply([committed])));
    return results.find((result) => result.length > 0)![0]!;
  }
}

/** The binding `RAFT_NODE` and everything behind it. */
export class FakeNamespace {
  readonly calls: Call[] = [];
  /** By node id, in every group. */
  readonly faults = new Map<string, Fault>();
  readonly ids: readonly string[];
  private readonly groups = new Map<string, FakeGroup>();

  constructor(ids: readonly string[] = ["n1", "n2", "n3"]) {
    this.ids = ids;
  }

  group(name = "default"): FakeGroup {
    const group = this.groups.get(name) ?? new FakeGroup(this.ids);
    this.groups.set(name, group);
    return group;
  }

  /** The environment of a Worker that is bound to these nodes, open to requests for `localhost`. */
  env(more: Partial<Env> = {}): Env {
    return {
      RAFT_NODE: this as unknown as DurableObjectNamespace,
      RAFT_MEMBERS: this.ids.map((id) => ({ id, role: "voter", locationHint: `near-${id}` })),
      RAFT_PROFILE: "laptop",
      RAFT_TIMINGS: {},
      RAFT_OPEN: "loopback",
      ...more,
    };
  }

  getByName(name: string, options?: DurableObjectNamespaceGetDurableObjectOptions): { fetch: typeof fetch } {
    const [group = "", node = ""] = name.split("/");
    return {
      fetch: async (input, init): Promise<Response> => {
        const request = new Request(input, init);
        const body = new Uint8Array(await request.arrayBuffer());
        const path = request.url.slice(internalOrigin.length);
        const call: Call = { group, node, path, headers: request.headers, options, signal: init!.signal! };
        this.calls.push(call);
        const proceed = (): Response => answer(this.group(group), call, body);
        return this.faults.get(node)?.(call, proceed) ?? proceed();
      },
    };
  }

  /** The nodes that were sent commands or queries, in order. */
  asked(): string[] {
    return this.calls.filter(({ path }) => path !== internalPath.status).map(({ node }) => node);
  }
}

export const faults = {
  /** As a stub does for an object that crashed or can't be reached. */
  throwing: () => {
    throw Object.assign(new Error("Network connection lost."), { retryable: true, remote: true });
  },
  /** The call never returns, until its caller gives up. */
  hanging: ({ signal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    }),
  /** The command is applied, and the answer lost. */
  losing: (_, proceed) => {
    proceed();
    throw Object.assign(new Error("Network connection lost."), { retryable: true, remote: true });
  },
  overloaded: () => {
    throw Object.assign(new Error("Durable Object is overloaded. Too many requests queued."), {
      overloaded: true,
      retryable: true,
      remote: true,
    });
  },
  /** As the platform answers for a node that is not there. */
  foreign: () => new Response('Worker "raft-n3" not found', { status: 503 }),
  /** As anything in between may answer. */
  impostor: () => new Response("hello"),
  /** A leader without a majority: it holds the call for as long as it is told to. */
  stuck: async (call) => {
    await new Promise((resolve) => setTimeout(resolve, Number(call.headers.get(internalHeader.timeoutMs))));
    return refuse(call, "timeout", call.path === internalPath.propose, call.node);
  },
} satisfies Record<string, Fault>;

/** The fault on calls to one path alone. */
export function on(path: string, fault: Fault): Fault {
  return (call, proceed) => (call.path === path ? fault(call, proceed) : proceed());
}

export function refuse(call: Call, code: RefusalCode, ambiguous = false, leader: string | null = null): Response {
  const headers = positionHeaders(call.node, { term: 1, index: 1, leader });
  return new Response(JSON.stringify({ code, message: "A node says so.", ambiguous }), {
    status: refusalStatus,
    headers,
  });
}

function answer(group: FakeGroup, call: Call, body: Uint8Array): Response {
  const { node, path, headers } = call;
  if (headers.get(internalHeader.group) !== call.group || headers.get(internalHeader.node) !== node) {
    return refuse(call, "bad_request");
  }
  const machine = group.machines.get(node)!;
  const respond = (answered: Uint8Array<ArrayBuffer> | string): Response =>
    new Response(answered, { headers: positionHeaders(node, group) });
  if (path === internalPath.status) return respond(JSON.stringify(statusOf(group, node)));
  if (path === internalPath.metrics) return respond(metricsOf(call));
  const stale = path === internalPath.query && headers.get(internalHeader.consistency) === "stale";
  const minIndex = Number(headers.get(internalHeader.minIndex));
  if (path === internalPath.query && minIndex > group.index - Number(group.lagging.has(node))) {
    // Whoever asks the leader learns what there is not; else a node waits in vain for what it does not have.
    const response = refuse(call, !stale && minIndex > group.index ? "future_index" : "timeout", false, group.leader);
    response.headers.set(internalHeader.index, String(group.index));
    response.headers.set(internalHeader.generation, String(group.generation));
    return response;
  }
  if (!stale && group.leader !== node) {
    const response = refuse(call, "not_leader", false, group.leader);
    response.headers.set(internalHeader.term, String(group.term));
    return response;
  }
  if (path === internalPath.confirm) return respond("");
  if (path === internalPath.proposeAll) return respond(proposeAll(group, body));
  const result = path === internalPath.propose ? group.propose(body) : machine.query(body);
  return respond(result as Uint8Array<ArrayBuffer>);
}

function proposeAll(group: FakeGroup, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeOutcomes(
    decodeParts(body).map((command) => ({ done: true, result: group.propose(command), index: group.index })),
  );
}

function positionHeaders(
  node: string,
  at: Pick<FakeGroup, "term" | "index" | "leader"> & { readonly generation?: number },
): Record<string, string> {
  return {
    [internalHeader.node]: node,
    [internalHeader.term]: String(at.term),
    [internalHeader.index]: String(at.index),
    ...(at.leader === null ? {} : { [internalHeader.leader]: at.leader }),
    ...(at.generation === undefined || at.generation === 0
      ? {}
      : { [internalHeader.generation]: String(at.generation) }),
  };
}

function statusOf(group: FakeGroup, id: string): NodeStatus {
  const behind = group.lagging.has(id) ? 1 : 0;
  const leads = group.leader === id;
  const status: NodeStatus = {
    id,
    group: "default",
    role: leads ? "leader" : "follower",
    term: group.term,
    leader: group.leader,
    log: {
      firstIndex: 1,
      lastIndex: group.index,
      lastTerm: group.term,
      commitIndex: group.index - behind,
      appliedIndex: group.index - behind,
    },
    lastContactMs: leads ? null : 12,
    quiescent: false,
    timing: { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 },
    members: group.members,
    joint: false,
    standing: "member",
    standingReason: null,
    groupId: "f00d",
    generation: 0,
    storageId: `storage of ${id}`,
  };
  if (!leads) return status;
  const peers = [...group.machines.keys()].filter((peer) => peer !== id);
  const known = {
    matchIndex: group.index,
    state: "replicate",
    lagEntries: 0,
    lastContactMs: 34,
    roundTripMs: 2,
  } as const;
  return { ...status, peers: peers.map((peer) => ({ id: peer, ...known })) };
}

function metricsOf({ group, node }: Call): string {
  const labels = `group="${group}",node="${node}"`;
  return [
    "# HELP durable_raft_term The node's term.",
    "# TYPE durable_raft_term gauge",
    `durable_raft_term{${labels}} 1`,
    "# HELP durable_raft_commit_seconds Latency of commits.",
    "# TYPE durable_raft_commit_seconds histogram",
    `durable_raft_commit_seconds_bucket{${labels},le="+Inf"} 2`,
    `durable_raft_commit_seconds_sum{${labels}} 0.5`,
    `durable_raft_commit_seconds_count{${labels}} 2`,
    "",
  ].join("\n");
}
