/** The shipped Worker, with nodes that count what reaches them, what they send and when they wake. */

import type { Env } from "../../src/env.ts";
import { KeyValueNode as ShippedNode } from "../../src/kv-node.ts";
import { type Activity, activityPath } from "./activity.ts";

export { default, KvNamespace, Raft } from "../../src/worker.ts";

const activities = new Map<string, Activity>();

function activityOf(object: string): Activity {
  const activity = activities.get(object) ?? { requests: 0, calls: 0, alarmsSet: 0, alarmsFired: 0 };
  activities.set(object, activity);
  return activity;
}

export class KeyValueNode extends ShippedNode {
  private readonly activity: Activity;

  constructor(ctx: DurableObjectState, env: Env) {
    const activity = activityOf(ctx.id.name ?? ctx.id.toString());
    const setAlarm = ctx.storage.setAlarm.bind(ctx.storage);
    ctx.storage.setAlarm = (...given) => {
      activity.alarmsSet += 1;
      return setAlarm(...given);
    };
    const getByName: DurableObjectNamespace["getByName"] = (...given) => {
      activity.calls += 1;
      return env.RAFT_NODE.getByName(...given);
    };
    super(ctx, { ...env, RAFT_NODE: { getByName } as DurableObjectNamespace });
    this.activity = activity;
  }

  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === activityPath) return Response.json(this.activity);
    this.activity.requests += 1;
    return await super.fetch(request);
  }

  override async alarm(): Promise<void> {
    this.activity.alarmsFired += 1;
    await super.alarm();
  }
}
