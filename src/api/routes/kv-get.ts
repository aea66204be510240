/** `POST /get`: several keys at one revision. */

import { maxGetKeys, maxKeyBytes } from "../../kv/limits.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { groupRequest } from "../group-request.ts";
import { Fields, readJsonBody } from "../json-fields.ts";
import { keyFields, readKey } from "../operations/spans.ts";
import { jsonResponse } from "../respond.ts";
import { read, readParameters } from "../read.ts";
import { itemJson } from "../../kv/item-json.ts";

const encoder = new TextEncoder();

/**
 * The body is `{"keys": ["a", {"key": "/wA=", "key_encoding": "base64"}], "keys_only": false}`. The answer has an item for
 * each key, in their order, or null.
 */
export async function getKeys(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const wanted = groupRequest(c, readParameters);
  const fields = new Fields(await readJsonBody(wanted.request), "", ["keys", "keys_only"]);
  const keys = keysOf(fields);
  const withValues = !fields.flag("keys_only");
  const { items, revision, position } = await read(cluster, wanted, "many", { kind: "getMany", keys, withValues });
  return jsonResponse(200, { items: items.map((item) => (item === null ? null : itemJson(item))), revision }, position);
}

function keysOf(fields: Fields): readonly Uint8Array[] {
  const list = fields.list("keys") ?? fields.refuse("keys", "is needed");
  if (list.length < 1 || list.length > maxGetKeys) fields.refuse("keys", `must be 1 to ${maxGetKeys} keys`);
  return list.map((entry, at) => {
    if (typeof entry !== "string") return readKey(new Fields(entry, `keys[${at}]`, keyFields));
    const key = encoder.encode(entry);
    const isKey = entry.isWellFormed() && key.length >= 1 && key.length <= maxKeyBytes;
    return isKey ? key : fields.refuse(`keys[${at}]`, `is 1 to ${maxKeyBytes} bytes long`);
  });
}
