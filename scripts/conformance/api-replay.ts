/** Plays one recorded pair of etcd's JSON gateway against a server, and says how its answer differs. */

import { difference, fill, fillAll } from "./expectation.ts";
import type { Variables } from "./expectation.ts";

export interface RecordedPair {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  /** A text is sent as it is. */
  readonly request: unknown;
  readonly status: number | "any";
  /** What other versions of etcd answer. */
  readonly status_any?: readonly number[];
  readonly response: unknown;
  /** The response is a list: lines from a stream, which may stay open. */
  readonly stream?: boolean;
  readonly subset?: boolean;
  readonly ignore?: readonly string[];
  /** Values for later pairs, by name: where they are in the answer. */
  readonly capture?: Readonly<Record<string, string>>;
}

interface Line {
  readonly result?: { readonly watch_id?: string; readonly events?: readonly unknown[] };
}

const withinMs = 30_000;
/** How long a stream is watched for lines that should not come. */
const settleMs = 200;

/** Undefined when the answer is as recorded. */
export async function replayPair(base: URL, pair: RecordedPair, variables: Variables): Promise<string | undefined> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), withinMs);
  try {
    const response = await fetch(new URL(pair.path, base), {
      method: pair.method,
      signal: controller.signal,
      ...(pair.request !== null && { body: bodyOf(pair.request, variables) }),
    });
    const expected = pair.response;
    const lines = Array.isArray(expected) ? expected.length : 0;
    const actual = pair.stream === true ? await readLines(response, lines) : await readBody(response);
    return judge(pair, response.status, actual, variables);
  } catch (error) {
    return error instanceof Error ? `no answer: ${error.message}` : String(error);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

function bodyOf(request: unknown, variables: Variables): string {
  return typeof request === "string" ? fill(request, variables) : JSON.stringify(fillAll(request, variables));
}

function judge(pair: RecordedPair, status: number, actual: unknown, variables: Variables): string | undefined {
  const { status: wanted, status_any: others = [], subset = false, ignore = [] } = pair;
  if (wanted !== "any" && status !== wanted && !others.includes(status)) {
    return `status ${status} instead of ${wanted}: ${JSON.stringify(actual)}`;
  }
  // A pair may be compared with what it has shown itself.
  for (const [name, path] of Object.entries(pair.capture ?? {})) variables.set(name, valueAt(actual, path));
  return difference(pair.response, actual, { subset, ignore, variables });
}

function valueAt(value: unknown, path: string): string {
  const found = path
    .split(".")
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], value);
  if (typeof found !== "string") throw new Error(`the answer has no ${path}`);
  return found;
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The lines of a stream until there are as many as expected, and any that come right after those. */
async function readLines(response: Response, expected: number): Promise<unknown[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const lines: Line[] = [];
  let text = "";
  let deadline: Promise<undefined> | undefined;
  for (;;) {
    const chunk = await Promise.race([reader.read(), ...(deadline === undefined ? [] : [deadline])]);
    if (chunk === undefined || chunk.done) return joinEvents(lines);
    const parts = (text + decoder.decode(chunk.value, { stream: true })).split("\n");
    text = parts.pop() ?? "";
    lines.push(...parts.filter((part) => part !== "").map((part) => JSON.parse(part) as Line));
    if (joinEvents(lines).length >= expected) deadline = after(settleMs);
  }
}

/** The same events may come in more or fewer messages: those that follow each other count as one, with its last header. */
function joinEvents(lines: readonly Line[]): Line[] {
  const joined: Line[] = [];
  for (const line of lines) {
    const before = joined.at(-1)?.result;
    const [earlier, later] = [before?.events, line.result?.events];
    if (earlier !== undefined && later !== undefined && before?.watch_id === line.result?.watch_id) {
      joined[joined.length - 1] = { ...line, result: { ...line.result, events: [...earlier, ...later] } };
    } else {
      joined.push(line);
    }
  }
  return joined;
}

function after(durationMs: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, durationMs, undefined));
}
