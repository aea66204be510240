/** Broken invariants: what must never be, whatever the network, the disk and the clock do. */

/** A condition that the protocol guarantees did not hold. The turn is undone and the node restarts from its storage. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws an `InvariantError` unless the condition holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
