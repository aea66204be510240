/** Compares an answer with a recorded one, in which some values are placeholders. */

/** What the answers so far have shown, by name. */
export type Variables = Map<string, string>;

export interface Rules {
  /** More fields and more items than recorded are fine. */
  readonly subset: boolean;
  /** Fields that are not compared, by their names. */
  readonly ignore: readonly string[];
  readonly variables: Variables;
}

const relative = /^<R([+-]\d+)>$/;
const decimal = /^-?\d+$/;

/** Where the answer differs first, and how; undefined where it does not. */
export function difference(expected: unknown, actual: unknown, rules: Rules, path = "answer"): string | undefined {
  if (Array.isArray(expected)) return listDifference(expected, actual, rules, path);
  if (typeof expected === "object" && expected !== null) {
    return objectDifference(expected as Readonly<Record<string, unknown>>, actual, rules, path);
  }
  const wanted = typeof expected === "string" ? fill(expected, rules.variables) : expected;
  return isMatch(wanted, actual) ? undefined : `${path} is ${show(actual)} instead of ${show(wanted)}`;
}

/** Puts what is known in the place of `${name}` and of revisions relative to that of the first pair. */
export function fill(text: string, variables: Variables): string {
  const base = Number(variables.get("R") ?? Number.NaN);
  return text
    .replaceAll(/<R([+-]\d+)>/g, (_, offset: string) => String(base + Number(offset)))
    .replaceAll(/\$\{(\w+)\}/g, (_, name: string) => variables.get(name) ?? "");
}

/** The same, wherever a text stands in a value. */
export function fillAll(value: unknown, variables: Variables): unknown {
  if (typeof value === "string") return fill(value, variables);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, variables));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillAll(item, variables)]));
}

function isMatch(wanted: unknown, actual: unknown): boolean {
  switch (wanted) {
    case "any":
      return true;
    case "<num>":
      return typeof actual === "string" && decimal.test(actual);
    case "<int>":
      return typeof actual === "number";
    case "<str>":
      return typeof actual === "string" && actual !== "";
    default:
      return wanted === actual && !(typeof wanted === "string" && relative.test(wanted));
  }
}

function listDifference(expected: readonly unknown[], actual: unknown, rules: Rules, path: string): string | undefined {
  if (!Array.isArray(actual)) return `${path} is ${show(actual)} instead of a list`;
  const isLongEnough = rules.subset ? actual.length >= expected.length : actual.length === expected.length;
  if (!isLongEnough) return `${path} has ${actual.length} items instead of ${expected.length}: ${show(actual)}`;
  return first(expected.map((item, at) => difference(item, actual[at], rules, `${path}[${at}]`)));
}

function objectDifference(
  expected: Readonly<Record<string, unknown>>,
  actual: unknown,
  rules: Rules,
  path: string,
): string | undefined {
  if (typeof actual !== "object" || actual === null || Array.isArray(actual)) {
    return `${path} is ${show(actual)} instead of an object`;
  }
  const fields = actual as Readonly<Record<string, unknown>>;
  const surplus = Object.keys(fields).filter((name) => !(name in expected) && !rules.ignore.includes(name));
  if (surplus.length > 0 && !rules.subset) return `${path} has ${surplus.join(", ")} in addition`;
  return first(
    Object.entries(expected).map(([name, value]) => {
      // Newer versions leave it out of what went wrong.
      const isLeftOut = !(name in fields) && (name === "error" || rules.ignore.includes(name));
      if (isLeftOut || rules.ignore.includes(name)) return undefined;
      if (!(name in fields)) return `${path} has no ${name}`;
      return difference(value, fields[name], rules, `${path}.${name}`);
    }),
  );
}

function first(differences: readonly (string | undefined)[]): string | undefined {
  return differences.find((found) => found !== undefined);
}

function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
