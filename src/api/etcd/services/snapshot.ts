/** `maintenance/snapshot`: all keys at one revision, a line of JSON each, in blobs of moderate size. */

import type { Item } from "../../../kv/model.ts";
import { rangeOf } from "../../../kv/operations.ts";
import { allKeys } from "../../../kv/span.ts";
import { ApiError } from "../../errors.ts";
import type { Found } from "../../store.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import { writeMessage } from "../message-writer.ts";
import { keyValue } from "../messages/common.ts";
import type { snapshotResponse } from "../messages/maintenance.ts";
import type { Send } from "../method.ts";
import { keyValueOf } from "../responses.ts";
import type { Sent } from "../schema.ts";

/** A page that comes out larger is followed by one of half as many keys, one that is much smaller by twice as many. */
const goodPageBytes = 1024 * 1024;
const maxPageKeys = 1000;
const encoder = new TextEncoder();

/** A compaction that overtakes it ends it: what was sent until then is not all. */
export async function snapshot(call: Call, _: unknown, send: Send<Sent<typeof snapshotResponse>>): Promise<void> {
  let from = allKeys.key;
  let limit = 16;
  let revision = 0;
  for (;;) {
    const page = await readPage(call, from, revision, limit);
    const { items, count, more } = page.range;
    revision ||= page.revision;
    const blob = linesOf(items);
    // How many bytes follow is not known before they are read; that none follow is.
    const remaining = Math.ceil((blob.length / Math.max(1, items.length)) * (count - items.length));
    await send({ header: header(call, { ...page, revision }), remaining_bytes: more ? remaining : 0, blob });
    const last = items.at(-1);
    if (!more || last === undefined) return;
    from = keyAfter(last.key);
    limit = nextLimit(items.length, blob.length);
  }
}

/** As many keys as may be had at once, `limit` at most. */
async function readPage(call: Call, from: Uint8Array, revision: number, limit: number): Promise<Found<"range">> {
  for (let keys = limit; ; keys = Math.ceil(keys / 2)) {
    try {
      return await call.store.range(rangeOf({ key: from, rangeEnd: allKeys.rangeEnd, limit: keys, revision }));
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "answer_too_large") || keys === 1) throw error;
    }
  }
}

function linesOf(items: readonly Item[]): Uint8Array {
  return encoder.encode(items.map((item) => `${writeMessage(keyValue, keyValueOf(item))}\n`).join(""));
}

function nextLimit(keys: number, bytes: number): number {
  if (bytes > goodPageBytes) return Math.max(1, Math.floor(keys / 2));
  return bytes < goodPageBytes / 4 ? Math.min(maxPageKeys, keys * 2) : keys;
}

function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
