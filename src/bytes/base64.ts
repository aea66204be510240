/** Base64, of bytes and of the opaque texts in addresses. */

/** `String.fromCharCode` takes its codes as arguments, and a call can't have a million of them. */
const chunkBytes = 0x8000;
const base64Url = /^[A-Za-z0-9_-]*$/;

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(at, at + chunkBytes));
  }
  return btoa(binary);
}

/** For addresses: nothing in it needs percent-encoding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Undefined for a text that `encodeBase64Url` does not make. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  // A single character left over after groups of four encodes nothing; `atob` would throw.
  if (!base64Url.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The standard alphabet or that of addresses, padded or not; undefined for what is neither. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const unpadded = text.replace(/={1,2}$/, "");
  if (unpadded.length !== text.length && text.length % 4 !== 0) return undefined;
  return decodeBase64Url(unpadded.replaceAll("+", "-").replaceAll("/", "_"));
}
