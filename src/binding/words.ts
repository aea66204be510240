/** Turns what a binding is given into the words in which the REST API says it, so that both are read by the same code. */

import { ApiError } from "../api/errors.ts";
import { bytesOf } from "./bytes.ts";

const capital = /[A-Z]/g;
/** Fields whose values are names of fields. */
const named: readonly string[] = ["target", "sort"];

/** An object with a member of the name `then` is taken for a promise by some. */
const renamed: ReadonlyMap<string, string> = new Map([
  ["success", "then"],
  ["failure", "else"],
]);

/** What is nested in it, too, but for the client's own JSON. Functions and the like become nothing that is understood. */
export function wordsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wordsOf);
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Date) return momentOf(value);
  const isPlain = typeof value === "object" && value !== null && bytesOf(value) === undefined;
  if (!isPlain) return typeof value === "string" ? value : (bytesOf(value) ?? value);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => wordOf(name, field)));
}

function wordOf(name: string, field: unknown): readonly [string, unknown] {
  if (name === "metadata") return [name, field];
  if (name === "ttlMs") return ["ttl", typeof field === "number" ? `${field}ms` : field];
  const rest = renamed.get(name);
  if (rest !== undefined) return [rest, wordsOf(field)];
  if (named.includes(name) && typeof field === "string") return [name, snakeCase(field)];
  return [snakeCase(name), wordsOf(field)];
}

function snakeCase(name: string): string {
  return name.replaceAll(capital, (letter) => `_${letter.toLowerCase()}`);
}

function momentOf(date: Date): string {
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new ApiError("invalid_body", "A Date must be a moment.");
}
