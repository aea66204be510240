/** etcd's Watch service: requests come in one after the other, and events go out until the client leaves. */

import type { Call } from "../call.ts";
import type { Send } from "../method.ts";
import type { WatchRequestMessage, WatchResponse } from "../messages/watch.ts";
import { invalidArgument } from "../status.ts";
import { WatchSession } from "./watch-session.ts";

/** A stream without any call that is awaited could count as one that hangs. */
const aliveMs = 60_000;

/** Stays open when the requests have ended, and even without a watch, until the client leaves. */
export async function watch(
  call: Call,
  requests: AsyncIterable<WatchRequestMessage>,
  send: Send<WatchResponse>,
): Promise<void> {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const session = new WatchSession(call, send, fail);
  const alive = setInterval(() => undefined, aliveMs);
  try {
    await Promise.race([serve(call, requests, session), failed]);
  } finally {
    clearInterval(alive);
    session.close();
  }
}

async function serve(call: Call, requests: AsyncIterable<WatchRequestMessage>, session: WatchSession): Promise<void> {
  let created = false;
  for await (const request of requests) {
    created ||= request.create_request !== null;
    // etcd leaves such a caller without an answer for ever.
    if (!created) throw invalidArgument("etcdserver: a watch stream begins with a create_request");
    await session.take(request);
  }
  if (!created) throw invalidArgument("etcdserver: a watch stream begins with a create_request");
  await untilGone(call.signal);
}

function untilGone(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
