/** etcd's Election service. */

import type { Item } from "../../../kv/model.ts";
import { rangeOf } from "../../../kv/operations.ts";
import { observe } from "../../coordination/observe.ts";
import { Places } from "../../coordination/places.ts";
import type { Place } from "../../coordination/places.ts";
import { ApiError } from "../../errors.ts";
import type { Found } from "../../store.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import type {
  campaignRequest,
  campaignResponse,
  leaderRequest,
  leaderResponse,
  proclaimRequest,
  resignRequest,
} from "../messages/concurrency.ts";
import type { ResponseHeader } from "../messages/common.ts";
import type { Send } from "../method.ts";
import { keyValueOf } from "../responses.ts";
import type { Received, Sent } from "../schema.ts";
import { StatusError } from "../status.ts";
import { takeTurn } from "./lock.ts";

interface HeaderResponse {
  readonly header: ResponseHeader;
}
type LeaderKey = NonNullable<Received<typeof resignRequest>["leader"]>;
type LeaderResponse = Sent<typeof leaderResponse>;

/** Answered when the caller leads, with what shows it. */
export async function campaign(
  call: Call,
  request: Received<typeof campaignRequest>,
): Promise<Sent<typeof campaignResponse>> {
  const { place, ...acquired } = await takeTurn(call, request, request.value);
  const { key, token, lease } = place;
  return { header: header(call, acquired), leader: { name: request.name, key, rev: token, lease } };
}

/** Gives the leader another value, as long as it is one. */
export async function proclaim(
  call: Call,
  { leader, value }: Received<typeof proclaimRequest>,
): Promise<HeaderResponse> {
  const { places, place } = await findPlace(call, demanded(leader));
  const changed = place && (await places.change(place, value, { idempotencyKey: `value ${crypto.randomUUID()}` }));
  if (changed?.txn.succeeded !== true) throw new StatusError("unknown", "election: not leader");
  return { header: header(call, changed) };
}

/** Well, too, if the leader has gone before. */
export async function resign(call: Call, { leader }: Received<typeof resignRequest>): Promise<HeaderResponse> {
  const { places, place } = await findPlace(call, demanded(leader));
  if (place !== undefined) await places.leave(place);
  return { header: header(call, await call.store.query("status", { kind: "status" })) };
}

export async function currentLeader(call: Call, { name }: Received<typeof leaderRequest>): Promise<LeaderResponse> {
  const found = await findLeader(call, new Places(call.store, name), 0);
  const kv = found.range.items[0];
  if (kv === undefined) throw new StatusError("unknown", "election: no leader");
  return { header: header(call, found), kv: keyValueOf(kv) };
}

/** Every leader from the present one on, and whatever each proclaims. */
export async function observeLeaders(
  call: Call,
  { name }: Received<typeof leaderRequest>,
  send: Send<LeaderResponse>,
): Promise<void> {
  const places = new Places(call.store, name);
  for await (const { first, revision, position } of observe(call.store, places, call.signal)) {
    if (first === undefined) continue;
    const item = await itemOf(call, places, first, revision);
    if (item !== undefined) await send({ header: header(call, { revision, position }), kv: keyValueOf(item) });
  }
}

/** The leader's key as it was when that was seen; where this is forgotten, as it is now. */
async function itemOf(call: Call, places: Places, place: Place, revision: number): Promise<Item | undefined> {
  const found = await findLeader(call, places, revision).catch(async (error: unknown) => {
    if (!(error instanceof ApiError) || error.code !== "compacted") throw error;
    return await findLeader(call, places, 0);
  });
  return found.range.items.find(({ createRevision }) => createRevision === place.token);
}

/** The key that was created first of all under an election's name. */
function findLeader(call: Call, { span }: Places, revision: number): Promise<Found<"range">> {
  return call.store.range(rangeOf({ ...span, limit: 1, revision, sortTarget: "create", sortOrder: "ascend" }));
}

async function findPlace(
  call: Call,
  { name, key, rev }: LeaderKey,
): Promise<{ readonly places: Places; readonly place: Place | undefined }> {
  const places = new Places(call.store, name);
  const standing = await places.at(key);
  return { places, place: standing.places.find(({ token }) => BigInt(token) === rev) };
}

function demanded(leaderKey: LeaderKey | null): LeaderKey {
  if (leaderKey !== null) return leaderKey;
  throw new StatusError("unknown", '"leader" field must be provided');
}
