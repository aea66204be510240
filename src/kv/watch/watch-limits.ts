/** How much a node does for those who watch the store. */

export interface WatchLimits {
  /** Whose reader has more than this to take falls behind. */
  readonly maxPendingBytes: number;
  /** The same of all readers together. */
  readonly maxTotalPendingBytes: number;
  /** Whose reader has had too much for so long is told to come again. */
  readonly maxFullMs: number;
  /** A message that has grown so large takes no further revision, nor, where fragments are wanted, a further event. */
  readonly messageBytes: number;
  /** A revision that is larger goes in fragments whether they are wanted or not. */
  readonly maxWholeBytes: number;
  /** How many rows of the history are read at a time. */
  readonly windowRows: number;
  /** How much of the history is read for one watch before it is another one's turn. */
  readonly watchRows: number;
  readonly watchBytes: number;
  /** How much of it is read for all watches in one turn of the node. */
  readonly turnRows: number;
  readonly turnBytes: number;
}

export const defaultWatchLimits: WatchLimits = {
  maxPendingBytes: 1024 * 1024,
  maxTotalPendingBytes: 32 * 1024 * 1024,
  maxFullMs: 60_000,
  messageBytes: 256 * 1024,
  maxWholeBytes: 16 * 1024 * 1024,
  windowRows: 2048,
  watchRows: 16_384,
  watchBytes: 1024 * 1024,
  turnRows: 65_536,
  turnBytes: 4 * 1024 * 1024,
};
