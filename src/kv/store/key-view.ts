/** The keys as one reader sees them. */

import type { KeyRange, KeyText } from "./key-text.ts";
import type { KeyState } from "./key-state.ts";

export interface ScanOptions {
  readonly reverse?: boolean;
  /** Deleted keys too, as far as they are remembered. */
  readonly withDeleted?: boolean;
}

export interface KeyView {
  /** Undefined for a key that does not exist. */
  get(key: KeyText): KeyState | undefined;
  /** The keys of a range in their order. What is read meanwhile may change behind the key that was given last. */
  scan(range: KeyRange, options?: ScanOptions): Iterable<KeyState>;
  /** How many keys of a range exist. */
  count(range: KeyRange): number;
}
