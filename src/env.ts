/** What wrangler.toml gives a deployment: bindings and variables, validated once. */

import type { MemberSpecification } from "./internal.ts";

/** The environment of the Worker and of the nodes. */
export interface Env {
  readonly RAFT_NODE: DurableObjectNamespace;
  /** The nodes of a new group. */
  readonly RAFT_MEMBERS: unknown;
  /** The name of the timing in force, a key of `RAFT_TIMINGS`. */
  readonly RAFT_PROFILE: unknown;
  /** Timings by name. */
  readonly RAFT_TIMINGS: unknown;
  /** How much of the log nodes keep, and how they send their state, where it differs from the defaults. */
  readonly RAFT_LOG?: unknown;
  /** How much of its history the key-value store keeps, where that is not all of it. */
  readonly RAFT_HISTORY?: unknown;
  /** The bearer token of the public API; a secret. */
  readonly API_TOKEN?: string;
  /** `loopback` opens the API without a token to requests for a loopback host name. Set by `npm start` alone. */
  readonly RAFT_OPEN?: string;
}

/** How fast a group beats, in milliseconds. */
export interface Timing {
  /** How often a leader with nothing to send is heard. */
  readonly heartbeatMs: number;
  /** Election timeouts are drawn evenly from this range (Raft paper, section 5.2). */
  readonly electionMinMs: number;
  readonly electionMaxMs: number;
  /** Up to which shortest election timeout the group adapts to measured round trips; missing: it does not adapt. */
  readonly electionLimitMs?: number;
  /** After how long without a request a group rests, without timers and heartbeats; missing: it never does. */
  readonly idleAfterMs?: number;
  /** Reads are answered by a lease, which trusts the clocks (thesis, section 6.4.1); missing: never. */
  readonly leaseReads?: boolean;
  /** By how much clocks may drift apart within `electionMinMs`; missing: by a tenth of it. */
  readonly maxClockDriftMs?: number;
}

const idPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** True for what may name a group or a node: 1 to 64 of letters, digits, `_`, `.` and `-`, beginning with a letter or digit. */
export function isIdentifier(text: string): boolean {
  return idPattern.test(text);
}

/** The nodes of a new group, in the order of wrangler.toml. Throws an `Error` that names the mistake. */
export function readMembers(env: Pick<Env, "RAFT_MEMBERS">): readonly MemberSpecification[] {
  const list: unknown = env.RAFT_MEMBERS;
  if (!Array.isArray(list) || list.length === 0) throw new Error("RAFT_MEMBERS must list at least one node");
  const members = list.map((item: unknown, position): MemberSpecification => {
    const { id, role = "voter", locationHint } = isRecord(item) ? item : {};
    if (typeof id !== "string" || !isIdentifier(id)) {
      throw new Error(`RAFT_MEMBERS[${position}].id must be 1 to 64 of letters, digits, "_", "." and "-"`);
    }
    if (role !== "voter" && role !== "learner") {
      throw new Error(`RAFT_MEMBERS[${position}].role must be "voter" or "learner"`);
    }
    if (locationHint === undefined) return { id, role };
    if (typeof locationHint !== "string") throw new Error(`RAFT_MEMBERS[${position}].locationHint must be a string`);
    return { id, role, locationHint };
  });
  if (new Set(members.map((member) => member.id)).size !== members.length) {
    throw new Error("RAFT_MEMBERS lists one id twice");
  }
  if (!members.some((member) => member.role === "voter")) throw new Error("RAFT_MEMBERS must list at least one voter");
  return members;
}

/** No timing has longer election timeouts, in milliseconds. */
export const maxElectionMs = 600_000;

/** The timing in force. Throws an `Error` that names the mistake. */
export function readTiming(env: Pick<Env, "RAFT_PROFILE" | "RAFT_TIMINGS">): Timing {
  const profile = env.RAFT_PROFILE;
  const timing = isRecord(env.RAFT_TIMINGS) && typeof profile === "string" ? env.RAFT_TIMINGS[profile] : undefined;
  if (!isRecord(timing)) throw new Error(`RAFT_TIMINGS has no timing for RAFT_PROFILE = ${JSON.stringify(profile)}`);
  const { heartbeatMs, electionMinMs, electionMaxMs, electionLimitMs, idleAfterMs } = timing;
  if (typeof heartbeatMs !== "number" || typeof electionMinMs !== "number" || typeof electionMaxMs !== "number") {
    throw new Error("a timing needs heartbeatMs, electionMinMs and electionMaxMs, in milliseconds");
  }
  if (
    !(
      heartbeatMs >= 10 &&
      electionMinMs >= 2 * heartbeatMs &&
      electionMaxMs > electionMinMs &&
      electionMaxMs <= maxElectionMs
    )
  ) {
    throw new Error(
      "a timing must hold 10 <= heartbeatMs, 2 * heartbeatMs <= electionMinMs < electionMaxMs <= 600,000",
    );
  }
  return {
    heartbeatMs,
    electionMinMs,
    electionMaxMs,
    ...optional("electionLimitMs", electionLimitMs, electionMinMs),
    ...optional("idleAfterMs", idleAfterMs, electionMaxMs),
    ...readLease(timing, electionMinMs, electionMinMs - heartbeatMs),
  };
}

/** What a timing says of leases. `below` is what a drift must be less than, for a lease to last until the next heartbeat. */
function readLease(
  { leaseReads = false, maxClockDriftMs }: Record<string, unknown>,
  electionMinMs: number,
  below: number,
): Pick<Timing, "leaseReads" | "maxClockDriftMs"> {
  if (typeof leaseReads !== "boolean") throw new Error("a timing's leaseReads must be true or false");
  const drift = maxClockDriftMs ?? electionMinMs / 10;
  if (typeof drift !== "number" || !(drift >= 0 && drift < below)) {
    throw new Error(
      `a timing's maxClockDriftMs must be a number of milliseconds, 0 at least and below ${below}, which is electionMinMs less heartbeatMs`,
    );
  }
  return leaseReads ? { leaseReads, maxClockDriftMs: drift } : {};
}

/** A part of a timing that may be missing. */
function optional<Name extends string>(name: Name, value: unknown, least: number): { [Key in Name]?: number } {
  if (value === undefined) return {};
  if (typeof value !== "number" || !(value >= least)) {
    throw new Error(`a timing's ${name} must be a number of milliseconds, ${least} at least`);
  }
  return { [name]: value } as { [Key in Name]?: number };
}

const logLimits = ["keepEntries", "keepBytes", "maxEntries", "maxBytes", "maxPageBytes", "cutIdleMs"] as const;

/** The limits of the log that wrangler.toml names. Throws an `Error` that names the mistake. */
export function readLogLimits(env: Pick<Env, "RAFT_LOG">): Partial<Record<(typeof logLimits)[number], number>> {
  const given = env.RAFT_LOG ?? {};
  if (!isRecord(given)) throw new Error("RAFT_LOG must be a table");
  const limits: Partial<Record<(typeof logLimits)[number], number>> = {};
  for (const [name, value] of Object.entries(given)) {
    const known = logLimits.find((limit) => limit === name);
    if (known === undefined) throw new Error(`RAFT_LOG.${name} is none of ${logLimits.join(", ")}`);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
      throw new Error(`RAFT_LOG.${name} must be a whole number of at least 1`);
    }
    limits[known] = value;
  }
  return limits;
}

/** What of its history the key-value store forgets by itself. */
export type HistoryLimit =
  | { readonly kind: "forever" }
  | { readonly kind: "age"; readonly ageMs: number }
  | { readonly kind: "revisions"; readonly revisions: number };

/** `keepRevisions` or `keepMs`; without either nothing is forgotten. Throws an `Error` that names the mistake. */
export function readHistoryLimit(env: Pick<Env, "RAFT_HISTORY">): HistoryLimit {
  const given = env.RAFT_HISTORY ?? {};
  if (!isRecord(given)) throw new Error("RAFT_HISTORY must be a table");
  const [entry, ...others] = Object.entries(given);
  if (entry === undefined) return { kind: "forever" };
  if (others.length > 0) throw new Error("RAFT_HISTORY takes keepRevisions or keepMs, not both");
  const [name, value] = entry;
  if (name !== "keepRevisions" && name !== "keepMs") {
    throw new Error(`RAFT_HISTORY.${name} is none of keepRevisions, keepMs`);
  }
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
    throw new Error(`RAFT_HISTORY.${name} must be a whole number of at least 1`);
  }
  return name === "keepMs" ? { kind: "age", ageMs: value } : { kind: "revisions", revisions: value };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
