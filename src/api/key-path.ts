/** Keys in addresses. */

import { maxKeyBytes } from "../kv/limits.ts";
import { ApiError } from "./errors.ts";
import { decodePercent } from "./percent.ts";

const prefix = "kv/";
const increment = "/increment";
const dots = 'The keys "." and ".." get lost in addresses: use POST /v1/get and POST /v1/txn for them.';

/**
 * The key in `kv/{key}`: any bytes, percent-encoded, slashes as they are or encoded. The segments `.` and `..` never get
 * here, even as `%2e`: clients and runtimes resolve them, as the URL standard says. Inside a longer key, encode the slash
 * next to them (`a%2F..`).
 */
export function keyOf(path: string): Uint8Array {
  const key = decodePercent(path.slice(prefix.length));
  if (key === undefined) throw new ApiError("invalid_key", 'In a key, "%" is written "%25".');
  if (key.length >= 1 && key.length <= maxKeyBytes) return key;
  const advice = key.length === 0 ? ` ${dots}` : "";
  throw new ApiError("invalid_key", `A key is 1 to ${maxKeyBytes} bytes long.${advice}`);
}

/** The key in `kv/{key}/increment`. The last segment, and that alone, is no part of the key. */
export function incrementedKeyOf(path: string): Uint8Array {
  if (path.endsWith(increment)) return keyOf(path.slice(0, -increment.length));
  throw new ApiError("method_not_allowed", "POST is for /v1/kv/{key}/increment alone: PUT stores a value.", {
    headers: { allow: "GET, HEAD, PUT, DELETE" },
  });
}
