/** The trace of a scenario: every message that arrives or is lost, and what it changes at its receiver. */

import { isDeepStrictEqual } from "node:util";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import type { Audience, Look, Stage } from "./stage.ts";
import { configurationText, entriesText, messageText, placeOf } from "./wording.ts";

export class Chronicle implements Audience {
  private lines: { readonly text: string; count: number }[] = [];

  delivered(message: Message): void {
    this.tell(messageText(message));
  }

  lost(message: Message, reason: string): void {
    this.tell(`${messageText(message)}  (lost: ${reason})`);
  }

  changed(id: NodeId, before: Look, after: Look): void {
    const changes = changesOf(before, after);
    if (changes.length > 0) this.tell(`    ${id} ${changes.join("; ")}`);
  }

  /** What has happened since it was last asked. */
  take(): readonly string[] {
    const { lines } = this;
    this.lines = [];
    return lines.map(({ text, count }) => (count === 1 ? text : `${text}  (${count} times)`));
  }

  private tell(text: string): void {
    const last = this.lines.at(-1);
    if (last?.text === text) last.count += 1;
    else this.lines.push({ text, count: 1 });
  }
}

function changesOf(before: Look, after: Look): string[] {
  const changes: string[] = [];
  const standing = ({ role, term, leader }: Look): string => {
    const led = role === "follower" ? `, ${leader === null ? "no leader known" : `led by ${leader}`}` : "";
    return `${roleWords[role]} in term ${term}${led}`;
  };
  if (standing(before) !== standing(after)) changes.push(`is ${standing(after)}`);
  if (after.vote !== null && (after.vote !== before.vote || after.term !== before.term)) {
    changes.push(`votes for ${after.vote} in term ${after.term}`);
  }
  changes.push(...logChanges(before, after));
  if (after.commitIndex > before.commitIndex) changes.push(`commits up to ${after.commitIndex}`);
  if (!isDeepStrictEqual(before.configuration, after.configuration)) {
    changes.push(`goes by ${configurationText(after.configuration)}`);
  }
  return changes;
}

const roleWords = {
  follower: "follower",
  preCandidate: "asking for pre-votes",
  candidate: "candidate",
  leader: "leader",
} as const;

function logChanges(before: Look, after: Look): string[] {
  if (after.firstIndex > before.firstIndex) {
    return [`has the state up to ${after.firstIndex - 1} in place of its log`];
  }
  const isSame = (entry: Entry | undefined, position: number): boolean => {
    const other = before.entries[position];
    return entry !== undefined && other !== undefined && placeOf(entry) === placeOf(other);
  };
  const different = after.entries.findIndex((entry, position) => !isSame(entry, position));
  const kept = different < 0 ? after.entries.length : different;
  const removed = before.entries.slice(kept);
  const added = after.entries.slice(kept);
  return [
    ...(removed.length === 0 ? [] : [`removes ${removed.map(placeOf).join(", ")}`]),
    ...(added.length === 0 ? [] : [`appends ${entriesText(added)}`]),
  ];
}

/** The logs beside each other, as in the paper's figures: a column an index, the entries' terms, uncommitted in brackets. */
export function logTable(stage: Stage, ids: readonly NodeId[]): readonly string[] {
  const looks = ids.map((id) => ({ id, ...stage.look(id) }));
  const last = Math.max(...looks.map(({ firstIndex, entries }) => firstIndex + entries.length - 1));
  const indexes = Array.from({ length: last }, (_, position) => position + 1);
  const rows = looks.map(({ id, role, term, firstIndex, commitIndex, entries }) => {
    const state = stage.isDown(id) ? "down" : roleWords[role];
    const cells = indexes.map((index) => {
      if (index < firstIndex) return "=";
      const entry = entries[index - firstIndex];
      if (entry === undefined) return "";
      return index <= commitIndex ? String(entry.term) : `(${entry.term})`;
    });
    return [id, state, String(term), ...cells];
  });
  return align([["", "", "term", ...indexes.map(String)], ...rows]);
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
