/** What the client of a request has seen of its group, by the bookmark that it sends. */

import { bookmarkHeader, decodeBookmark } from "./bookmark.ts";
import type { Bookmark } from "./bookmark.ts";
import { ApiError } from "./errors.ts";
import type { Position } from "./position.ts";

/** Undefined when it does not say. */
export function bookmarkOf(headers: Headers): Bookmark | undefined {
  const text = headers.get(bookmarkHeader);
  if (text === null || text === "") return undefined;
  const bookmark = decodeBookmark(text);
  if (bookmark !== undefined) return bookmark;
  throw new ApiError("invalid_header", "X-Raft-Bookmark must be one that an earlier answer of this group gave.");
}

/** Refuses a client that has seen what a recovery by force may have undone. */
export function checkGeneration(bookmark: Bookmark, position: Position | undefined): void {
  if (position === undefined || position.generation <= bookmark.generation) return;
  throw new ApiError(
    "bookmark_lost",
    "This group was recovered by force since that bookmark was given, and what was seen then may be gone. Read without it.",
    { position },
  );
}
