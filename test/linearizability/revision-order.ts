/**
 * Whether the revisions of one store rise with time, over all of its keys.
 *
 * Keys that are checked one by one for linearizability say nothing of the order between them. The store's revision does:
 * it puts all writes in one order, which must agree with who was answered before whom.
 */

export interface RevisionSeen {
  /** What was asked and answered. */
  readonly text: string;
  readonly invokedAtMs: number;
  readonly atMs: number;
  /** The revision that a write was given, or the newest of the store when it was read. */
  readonly revision: number;
  readonly isWrite: boolean;
}

/** @returns what is wrong, a line each; of what is wrong for one reason, the first */
export function checkRevisionOrder(seen: readonly RevisionSeen[]): string[] {
  return [...givenTwice(seen), ...goneBack(seen)];
}

function givenTwice(seen: readonly RevisionSeen[]): string[] {
  const writes = new Map<number, RevisionSeen>();
  for (const write of seen.filter(({ isWrite }) => isWrite)) {
    const other = writes.get(write.revision);
    if (other !== undefined) return [`two writes have revision ${write.revision}: ${other.text}, and ${write.text}`];
    writes.set(write.revision, write);
  }
  return [];
}

function goneBack(seen: readonly RevisionSeen[]): string[] {
  const byInvocation = seen.toSorted((one, other) => one.invokedAtMs - other.invokedAtMs);
  const byAnswer = seen.toSorted((one, other) => one.atMs - other.atMs);
  let newest: RevisionSeen | null = null;
  let answered = 0;
  for (const later of byInvocation) {
    for (
      let next = byAnswer[answered];
      next !== undefined && next.atMs < later.invokedAtMs;
      next = byAnswer[answered]
    ) {
      if (newest === null || next.revision > newest.revision) newest = next;
      answered += 1;
    }
    if (newest === null) continue;
    if (later.revision < newest.revision || (later.isWrite && later.revision === newest.revision)) {
      return [`${later.text} is at revision ${later.revision}, after ${newest.text} was at ${newest.revision}`];
    }
  }
  return [];
}
