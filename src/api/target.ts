/** Which group a request is for, and how long it may take: both from its address. */

import { isIdentifier, readMembers } from "../env.ts";
import type { Env } from "../env.ts";
import type { MemberSpecification } from "../internal.ts";
import { parseDurationMs } from "./parse-time.ts";
import { ApiError } from "./errors.ts";
import type { Parameters } from "./parameters.ts";

export interface Target {
  readonly env: Env;
  readonly group: string;
  readonly members: readonly MemberSpecification[];
  /** How long the client waits for the cluster. */
  readonly timeoutMs: number;
}

export const defaultGroup = "default";
const groupsPrefix = "/v1/groups/";
const plainPrefix = "/v1/";

const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 60_000;
const maxStalenessMs = 24 * 60 * 60 * 1000;
const units = ["ms", "s", "m"] as const;

/** The path of a request's address as it was sent, percent-encoding and all: keys are bytes, and decoding loses some. */
export function rawPath(request: Request): string {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  const end = query === -1 ? url.indexOf("#", start) : query;
  return url.slice(start, end === -1 ? url.length : end);
}

/** Splits `/v1/groups/{group}/{rest}`, or `/v1/{rest}` of the default group, to which all other paths belong, too. */
export function splitPath(path: string): { group: string; rest: string } {
  if (!path.startsWith(groupsPrefix)) return { group: defaultGroup, rest: path.slice(plainPrefix.length) };
  const end = path.indexOf("/", groupsPrefix.length);
  if (end === -1) return { group: path.slice(groupsPrefix.length), rest: "" };
  return { group: path.slice(groupsPrefix.length, end), rest: path.slice(end + 1) };
}

export function targetOf(env: Env, group: string, parameters: Parameters): Target {
  if (!isIdentifier(group)) {
    throw new ApiError(
      "invalid_group",
      'A group is 1 to 64 of letters, digits, "_", "." and "-", beginning with a letter or digit.',
    );
  }
  return { env, group, members: membersOf(env), timeoutMs: timeoutMsOf(parameters.text("timeout")) };
}

/** Undefined unless given. */
export function stalenessMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const stalenessMs = parseDurationMs(text, units);
  if (stalenessMs !== undefined && stalenessMs <= maxStalenessMs) return stalenessMs;
  throw new ApiError("invalid_parameter", "max_staleness must be a whole number of ms, s or m, up to 24 hours.");
}

function timeoutMsOf(text: string | undefined): number {
  if (text === undefined) return defaultTimeoutMs;
  const timeoutMs = parseDurationMs(text, units);
  if (timeoutMs !== undefined && timeoutMs >= 1 && timeoutMs <= maxTimeoutMs) return timeoutMs;
  throw new ApiError("invalid_parameter", "timeout must be a whole number of ms, s or m, from 1ms to 60s.");
}

/** An isolate is given the same configuration with each request. */
const knownMembers = new WeakMap<object, readonly MemberSpecification[]>();

function membersOf(env: Env): readonly MemberSpecification[] {
  const list = env.RAFT_MEMBERS;
  const known = typeof list === "object" && list !== null ? knownMembers.get(list) : undefined;
  if (known !== undefined) return known;
  try {
    const members = readMembers(env);
    knownMembers.set(list as object, members);
    return members;
  } catch (error) {
    // Whoever reads this is who deployed it: the API is behind its token.
    throw new ApiError("misconfigured", error instanceof Error ? error.message : "RAFT_MEMBERS is not valid.");
  }
}
