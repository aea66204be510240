/** WebSockets between a client and a node: the Worker hands the connection on, and has no part in it after that. */

import { internalHeader, internalOrigin, internalPath } from "../internal.ts";
import type { MemberSpecification } from "../internal.ts";
import { encodeBase64Url } from "../bytes/base64.ts";
import type { GroupCalls } from "./group-calls.ts";
import type { LeaderCalls } from "./leader-calls.ts";
import { callHeaders, readAnswer, readError, stubOf } from "./node-call.ts";
import type { NodeCall } from "./node-call.ts";
import type { Opening } from "./node-stream.ts";
import { readPosition } from "./position.ts";
import { reachNode } from "./reach.ts";
import type { SubscribeRequest } from "./reach.ts";
import type { Target } from "./target.ts";

export async function openSocket(
  nodes: GroupCalls,
  leaders: LeaderCalls,
  target: Target,
  request: SubscribeRequest,
): Promise<Response> {
  const { opened } = await reachNode(nodes, leaders, target, request, openNodeSocket);
  return opened;
}

async function openNodeSocket(member: MemberSpecification, call: NodeCall): Promise<Opening<Response>> {
  try {
    const response = await stubOf(member, call).fetch(internalOrigin + internalPath.subscribe, {
      headers: {
        ...callHeaders(member, call),
        upgrade: "websocket",
        [internalHeader.subscription]: encodeBase64Url(call.body ?? new Uint8Array(0)),
      },
    });
    const position = readPosition(response.headers);
    if (response.webSocket !== null && position.node !== "") return { kind: "open", opened: response, position };
    const body = new Uint8Array(await response.arrayBuffer());
    const attempt = readAnswer(response.status, response.headers, body);
    return attempt.kind === "answer" ? { kind: "unreachable", reason: "unreachable" } : attempt;
  } catch (error) {
    return readError(error);
  }
}
