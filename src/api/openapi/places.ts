/** What requests for places in a lock or an election have in common, for the OpenAPI document. */

import { timeParameters } from "./parameters.ts";
import type { ParameterDescriptions, Schema } from "./words.ts";
import { objectOf, oneOf, text, textThat, truth, whole } from "./words.ts";

const duration: Schema = { type: "string", pattern: "^\\d+(ms|s|m|h|d)$" };

export const ttlParameter = { description: "How long it lives without being renewed, from `1s` on.", schema: duration };

export const acquireParameters: ParameterDescriptions = {
  ...timeParameters,
  ttl: { ...ttlParameter, description: "How long the place lasts without being renewed; `60s` unless said." },
  lease: { description: "In place of `ttl`: the lease whose place it is, and with which it ends.", schema: text },
  wait: {
    description: "How long to wait, up to `60s`, or `60m` on a stream; not at all unless said.",
    schema: duration,
  },
};

export const acquireHeaders: ParameterDescriptions = {
  Accept: { description: "`text/event-stream`: a stream of one event, `held` or `failure`, that is open until then." },
};

export const placeParameters: ParameterDescriptions = {
  ...timeParameters,
  token: { description: "The token of the place that is meant.", schema: whole },
  lease: { description: "Or its lease.", schema: text },
};

const place = {
  token: { ...whole, description: "The fencing token: later places have greater ones." },
  lease: text,
  key: textThat("The key that stands for the place."),
  key_encoding: oneOf("base64"),
};
const value = { value: text, encoding: oneOf("utf8", "base64") };
const named = { name: text, ...place };
const optional = ["key_encoding"];

export const heldSchemas: Readonly<Record<string, Schema>> = {
  Place: objectOf(place, optional),
  ValuedPlace: objectOf({ ...place, ...value, revision: whole }, optional),
  Taken: objectOf({ ...named, ttl_ms: whole }, [...optional, "ttl_ms"]),
  Renewed: objectOf({ ...named, ttl_ms: whole, held: truth, leads: truth, ahead: whole }, [
    ...optional,
    "held",
    "leads",
  ]),
  GivenUp: objectOf({ ...named, released: truth, resigned: truth, revision: whole }, [
    ...optional,
    "released",
    "resigned",
  ]),
};

/** Why a place is not given. */
export const refusedPlace = ["lease_not_found", "too_many_leases"] as const;
