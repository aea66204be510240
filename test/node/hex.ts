/** Bytes as hexadecimal digits, with spaces where they help the reader. */

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const pairs = joined(text).match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same digits without the spaces. */
export function joined(text: string): string {
  return text.replaceAll(" ", "");
}
