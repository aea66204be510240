/** Durations and moments as clients write them. */

const duration = /^(\d{1,16})(ms|s|m|h|d)$/;
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const wholeNumber = /^\d{1,16}$/;
/** RFC 3339: with a time zone, or the moment would be another one elsewhere. */
const moment = /^(\d{4}-\d{2}-\d{2})[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

export type Unit = keyof typeof unitMs;

/** A whole number with its unit, such as `30s`; undefined for what is none, or has another unit than these. */
export function parseDurationMs(text: string, units: readonly Unit[]): number | undefined {
  const [, digits, unit] = duration.exec(text) ?? [];
  const known = units.find((candidate) => candidate === unit);
  if (known === undefined) return undefined;
  const milliseconds = Number(digits) * unitMs[known];
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** How long something is to live: with a unit up to days, or a number of seconds. */
export function parseTtlMs(text: string): number | undefined {
  return parseDurationMs(wholeNumber.test(text) ? `${text}s` : text, ["ms", "s", "m", "h", "d"]);
}

/** Milliseconds since 1970, from RFC 3339 or as they are. */
export function parseMomentMs(text: string): number | undefined {
  if (wholeNumber.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
  const [, day] = moment.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  const milliseconds = Date.parse(text.toUpperCase().replace(" ", "T"));
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** `Date` takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const milliseconds = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(day);
}
