/** The shipped Worker as it runs in each process of a cluster of processes, with the mistakes that a mutant has. */

import type { Env } from "../../src/env.ts";
import app, { KeyValueNode as ShippedNode } from "../../src/worker.ts";
import { installMutant } from "./mutants.ts";
import { deliver, deliveryPath, routedNamespace } from "./routed-namespace.ts";
import type { Route } from "./routed-namespace.ts";

interface ChaosEnv extends Env {
  readonly CHAOS_ROUTE: Route;
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
  fetch(request: Request, env: ChaosEnv, ctx: ExecutionContext): Response | Promise<Response> {
    if (new URL(request.url).pathname.startsWith(deliveryPath)) return deliver(request, env.RAFT_NODE);
    return app.fetch(request, routed(env), ctx);
  },
};

function routed(env: ChaosEnv): ChaosEnv {
  return { ...env, RAFT_NODE: routedNamespace(env.RAFT_NODE, env.CHAOS_ROUTE) };
}
