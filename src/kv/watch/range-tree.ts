/** Which of many ranges of keys a key is in. */

import type { KeyRange, KeyText } from "../store/key-text.ts";

/**
 * The ranges sorted by where they begin, as a balanced tree: the middle one is the root. Each place also knows how far any
 * range of its subtree reaches, so that a key visits few ranges that it is not in. Built anew when ranges have changed.
 */
export class RangeTree<Member extends { readonly range: KeyRange }> {
  private readonly members = new Set<Member>();
  private sorted: Member[] | null = null;
  private reaches: KeyText[] = [];

  add(member: Member): void {
    this.members.add(member);
    this.sorted = null;
  }

  delete(member: Member): void {
    this.members.delete(member);
    this.sorted = null;
  }

  /** Calls back for each member whose range the key is in. */
  match(key: KeyText, found: (member: Member) => void): void {
    if (this.members.size === 0) return;
    const sorted = this.sorted ?? this.build();
    this.visit(sorted, 0, sorted.length, key, found);
  }

  private visit(
    sorted: readonly Member[],
    from: number,
    to: number,
    key: KeyText,
    found: (member: Member) => void,
  ): void {
    if (from >= to) return;
    const middle = (from + to) >>> 1;
    const member = sorted[middle];
    if (member === undefined || (this.reaches[middle] ?? "") <= key) return;
    this.visit(sorted, from, middle, key, found);
    if (member.range.from > key) return;
    if (key < member.range.to) found(member);
    this.visit(sorted, middle + 1, to, key, found);
  }

  private build(): Member[] {
    const sorted = [...this.members].sort((one, other) => (one.range.from < other.range.from ? -1 : 1));
    this.sorted = sorted;
    this.reaches = sorted.map(() => "");
    this.measure(sorted, 0, sorted.length);
    return sorted;
  }

  private measure(sorted: readonly Member[], from: number, to: number): KeyText {
    if (from >= to) return "";
    const middle = (from + to) >>> 1;
    const ends = [
      sorted[middle]?.range.to ?? "",
      this.measure(sorted, from, middle),
      this.measure(sorted, middle + 1, to),
    ];
    const reach = ends.reduce((one, other) => (one > other ? one : other));
    this.reaches[middle] = reach;
    return reach;
  }
}
