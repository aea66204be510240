/** Whole numbers of 64 bits, which a number of JavaScript can't hold, as decimal digits. */

const decimal = /^[+-]?\d{1,40}$/;

/** In canonical digits: without a plus or zeros before it. Undefined for what is no such number. */
export function parseInt64(text: string): string | undefined {
  if (!decimal.test(text)) return undefined;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value.toString() : undefined;
}
