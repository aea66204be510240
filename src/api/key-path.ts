/** Keys in addresses. */

import { maxKeyBytes } from "../kv/limits.ts";
import { ApiError } from "./errors.ts";
import { decodePercent } from "./percent.ts";

const prefix = "kv/";

/**
 * The key in `kv/{key}`: any bytes, percent-encoded, slashes as they are or encoded. The segments `.` and `..` never get
 * here, even as `%2e`: clients and runtimes resolve them. Inside a longer key, encode the slash next to them (`a%2F..`).
 */
export function keyOf(path: string): Uint8Array {
  const key = decodePercent(path.slice(prefix.length));
  if (key === undefined) throw new ApiError("invalid_key", 'In a key, "%" is written "%25".');
  if (key.length >= 1 && key.length <= maxKeyBytes) return key;
  throw new ApiError("invalid_key", `A key is 1 to ${maxKeyBytes} bytes long.`);
}
