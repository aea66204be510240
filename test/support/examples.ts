/** The examples in the documentation: what is typed, what is shown to come of it, and where that stands. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { projectPath } from "./source-tree.ts";

/** What lies between two fences, or the commands of one. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** The heading above it. */
  readonly heading: string;
  /** Where its text begins, counted from 1. */
  readonly line: number;
}

/** A command, and the output that the page shows under it. */
export interface Example {
  readonly command: string;
  readonly expected: string;
  readonly line: number;
}

/** The host that examples call; a test puts a cluster of its own in its place. */
export const exampleHost = "localhost:8787";

const fencedBlock = /^```(\w+)\n(.*?)^```$/gms;
const anyHeading = /^#+ (.+)$/gm;

export function readBlocks(path: string): Block[] {
  const page = readFileSync(resolve(projectPath, path), "utf8");
  return [...page.matchAll(fencedBlock)].map(({ index, 1: language = "", 2: text = "" }) => {
    const before = page.slice(0, index);
    const heading = [...withoutBlocks(before).matchAll(anyHeading)].at(-1)?.[1] ?? "";
    return { language, text, heading, line: countLines(before) + 1 };
  });
}

/** A page's prose: what looks like a heading or a link inside a block is none. */
export function withoutBlocks(page: string): string {
  return page.replaceAll(fencedBlock, "");
}

/** The examples of a block, which are commands of `exampleHost`, each with lines of `# output` under it. */
export function readExamples({ language, text, line }: Block): Example[] {
  if (language !== "sh" || !text.includes(exampleHost)) return [];
  return [...text.matchAll(/^(?!#|\n)(?:.*\\\n)*.*\n(?:#.*\n)*/gm)].map(({ index, 0: lines }) => {
    const shown = lines.search(/^#/m);
    const command = shown === -1 ? lines : lines.slice(0, shown);
    const expected = shown === -1 ? "" : lines.slice(shown).replaceAll(/^# ?/gm, "");
    return { command: command.trim(), expected: expected.trim(), line: line + countLines(text.slice(0, index)) };
  });
}

/** Runs a command against `host` and gives what it prints, with the line ends of this page. */
export async function runExample({ command }: Example, host: string): Promise<string> {
  const script = command.replaceAll(exampleHost, host).replaceAll(/\bcurl\b/g, "curl --silent --show-error");
  const { stdout } = await promisify(execFile)("sh", ["-c", script]);
  return stdout.replaceAll("\r\n", "\n").trim();
}

/** Matches what a page shows: each `…` in it stands for anything, and all the rest for itself. */
export function patternOf(expected: string): RegExp {
  const parts = expected.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*?")}$`);
}

function countLines(text: string): number {
  return text.split("\n").length - 1;
}
