/** Parameters and headers that many addresses take. */

import type { ParameterDescriptions } from "./words.ts";
import { oneOf, text, truth } from "./words.ts";

const duration = { type: "string", pattern: "^\\d+(ms|s|m)$" } as const;

export const timeParameters: ParameterDescriptions = {
  timeout: { description: "How long the cluster may take, from `1ms` to `60s`; `10s` unless said.", schema: duration },
};

export const readDescriptions: ParameterDescriptions = {
  ...timeParameters,
  consistency: {
    description: "`linearizable` unless said; `stale`: whatever a node holds, without asking the others.",
    schema: oneOf("linearizable", "stale"),
  },
  max_staleness: { description: "With `stale`: how old the state may be.", schema: duration },
  node: { description: "The node that is to answer.", schema: text },
  min_index: {
    description: "The `X-Raft-Index` of an earlier answer, which this one must not fall behind.",
    schema: { type: "integer", minimum: 0 },
  },
};

export const forceParameter: ParameterDescriptions = {
  force: { description: "Overcomes the refusals that only warn.", schema: truth },
};

export const bookmarkHeaders: ParameterDescriptions = {
  "X-Raft-Bookmark": { description: "That of an earlier answer: what is read is no older than what was seen then." },
};

export const idempotencyHeaders: ParameterDescriptions = {
  "Idempotency-Key": { description: "Under this key the request takes effect once, however often it is sent." },
  "Idempotency-Session": { description: "The session that the key belongs to." },
};

/** Of these, one is enough. */
export const lifetimeDescriptions: ParameterDescriptions = {
  ttl: { description: "How long the key lives: `30s`, `5m`, `1h`, or seconds." },
  expires_at: { description: "Until when it lives: RFC 3339, or milliseconds since 1970." },
  lease: { description: "The lease with which it ends." },
  keep_lease: { description: "It keeps the lease or the time that it has.", schema: truth },
};

export const conditionHeaders: ParameterDescriptions = {
  "If-Match": { description: "An `ETag`, or `*` for any: the key must have it." },
  "If-None-Match": { description: "Of a write `*`: there must be no such key. Of a read: the `ETag`s of copies." },
};
