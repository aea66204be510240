/** Values that are 64-bit whole numbers in decimal digits. */

import { textOf } from "./key-text.ts";

const least = -(2n ** 63n);
const greatest = 2n ** 63n - 1n;
const digits = /^-?\d{1,19}$/;
/** A sign and nineteen digits. */
export const maxNumberBytes = 20;

/** The sum of a stored value and a number; a text says why there is none. */
export function add(value: Uint8Array | null, delta: bigint): bigint | "not_a_number" | "number_overflow" {
  const before = value === null ? 0n : numberOf(value);
  if (before === undefined) return "not_a_number";
  const sum = before + delta;
  return isNumber(sum) ? sum : "number_overflow";
}

function numberOf(value: Uint8Array): bigint | undefined {
  if (value.length > maxNumberBytes) return undefined;
  const text = textOf(value);
  if (!digits.test(text)) return undefined;
  const number = BigInt(text);
  return isNumber(number) ? number : undefined;
}

function isNumber(number: bigint): boolean {
  return number >= least && number <= greatest;
}
