/** The shipped Worker as it runs in each process of a cluster of processes, with the mistakes that a mutant has. */

import type { Env } from "../../src/env.ts";
import app, { KeyValueNode as ShippedNode } from "../../src/worker.ts";
import { installMutant } from "./mutants.ts";
import { deliver, deliveryPath, routedNamespace } from "./routed-namespace.ts";
import type { Route } from "./routed-namespace.ts";

interface ChaosEnv extends Env {
  readonly CHAOS_ROUTE: Route;
  /** Stands before the path of every request of this run. */
  readonly CHAOS_WORD: string;
  /** The name of a mistake to make; empty for none. */
  readonly CHAOS_MUTANT: string;
}

export class KeyValueNode extends ShippedNode {
  constructor(ctx: DurableObjectState, env: ChaosEnv) {
    installMutant(env.CHAOS_MUTANT);
    super(ctx, routed(env));
  }
}

export default {
  fetch(original: Request, env: ChaosEnv, ctx: ExecutionContext): Response | Promise<Response> {
    const url = new URL(original.url);
    const start = `/${env.CHAOS_WORD}`;
    // Meant for a process that had this address before.
    if (!url.pathname.startsWith(`${start}/`)) return new Response(null, { status: 421 });
    url.pathname = url.pathname.slice(start.length);
    const request = new Request(url, original);
    return url.pathname.startsWith(deliveryPath)
      ? deliver(request, env.RAFT_NODE)
      : app.fetch(request, routed(env), ctx);
  },
};

function routed(env: ChaosEnv): ChaosEnv {
  return { ...env, RAFT_NODE: routedNamespace(env.RAFT_NODE, env.CHAOS_ROUTE) };
}
