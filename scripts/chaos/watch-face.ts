/** What a watch of all keys says, whichever API it is asked for by. */

export interface WatchEvent {
  readonly revision: number;
  readonly key: string;
  /** Null for a delete. */
  readonly value: string | null;
}

export type Told =
  /** Whatever happens after this revision will be told. */
  | { readonly kind: "created"; readonly revision: number }
  /** `position` is where to go on behind it; `isWhole` says that nothing more of its revision comes. */
  | { readonly kind: "event"; readonly event: WatchEvent; readonly position: string; readonly isWhole: boolean }
  /** Everything up to this revision has been told. */
  | { readonly kind: "progress"; readonly revision: number; readonly position: string }
  /** What comes next is forgotten. */
  | { readonly kind: "compacted" }
  /** It is still there. */
  | { readonly kind: "nothing" };

export interface WatchFace {
  readonly name: string;
  /** @param position where to go on, as it was told; null begins with what happens next */
  open(url: string, position: string | null, signal: AbortSignal): AsyncIterable<Told>;
}

/** The pieces of a stream of text that end with `end`, as they come; what follows the last one is none. */
export async function* split(stream: AsyncIterable<unknown>, end: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const pieces = rest.split(end);
    rest = pieces.pop() ?? "";
    yield* pieces;
  }
}
