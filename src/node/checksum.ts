/** The checksum of a snapshot's pages, which each page carries for itself and all before it. */

/** Of no bytes at all. */
export const emptyChecksum = 0x811c_9dc5;

/**
 * Goes on from the checksum of what came before: the Fowler-Noll-Vo hash in its 1a form, 32 bits. It finds pages that
 * were mixed up, left out or read wrongly, not attackers.
 */
export function addChecksum(before: number, bytes: Uint8Array): number {
  let hash = before;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}
