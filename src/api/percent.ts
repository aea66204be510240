/** Percent-encoding of arbitrary bytes, which the language's own functions know for UTF-8 alone. */

const encoder = new TextEncoder();

/** The bytes that a part of an address stands for; undefined when a `%` is not followed by two hexadecimal digits. */
export function decodePercent(text: string): Uint8Array | undefined {
  const bytes = encoder.encode(text);
  if (!text.includes("%")) return bytes;
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === 0x25) {
      const [high, low] = [digit(bytes[at + 1]), digit(bytes[at + 2])];
      if (high === undefined || low === undefined) return undefined;
      byte = high * 16 + low;
      at += 2;
    }
    bytes[length] = byte;
    length += 1;
  }
  return bytes.subarray(0, length);
}

function digit(code: number | undefined): number | undefined {
  if (code === undefined) return undefined;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}
