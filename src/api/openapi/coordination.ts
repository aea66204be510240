/** What `/leases`, `/locks` and `/elections` are, for the OpenAPI document. */

import { electionPaths } from "./elections.ts";
import {
  acquireHeaders,
  acquireParameters,
  heldSchemas,
  placeParameters,
  refusedPlace,
  ttlParameter,
} from "./places.ts";
import { idempotencyHeaders, timeParameters } from "./parameters.ts";
import type { OperationDescription, ResourceDescription } from "./words.ts";
import { either, json, listOf, nothing, objectOf, schemaOf, text, textThat, truth, whole } from "./words.ts";

const leaseId = textThat("A whole number of 64 bits in decimal digits.", { pattern: "^-?[1-9][0-9]{0,18}$" });

const oneLease = (id: string, summary: string, schema: string, description: string): OperationDescription => ({
  id,
  summary,
  query: timeParameters,
  answers: { 200: { description, content: json(schemaOf(schema)) } },
  errors: ["lease_not_found"],
});

export const leasesDescription: ResourceDescription = {
  name: "leases",
  description: "Times to live that keys share: a lease that ends deletes its keys.",
  place: "group",
  schemas: {
    Lease: objectOf({ id: leaseId, ttl_ms: whole, revision: whole }, ["revision"]),
    Leases: objectOf({ leases: listOf(objectOf({ id: leaseId })), revision: whole }),
    LeaseStatus: objectOf(
      {
        id: leaseId,
        granted_ttl_ms: whole,
        remaining_ms: whole,
        keys: listOf(objectOf({ key: text, key_encoding: text }, ["key_encoding"])),
        revision: whole,
      },
      ["keys"],
    ),
    LeaseRevoked: objectOf({ id: leaseId, revision: whole }),
  },
  paths: {
    "/leases": {
      get: {
        id: "listLeases",
        summary: "All leases.",
        query: timeParameters,
        answers: { 200: { description: "Their ids.", content: json(schemaOf("Leases")) } },
        errors: [],
      },
      post: {
        id: "grantLease",
        summary: "Grants a lease.",
        query: {
          ...timeParameters,
          ttl: { ...ttlParameter, required: true },
          id: { description: "An id that no lease has; one is drawn unless given.", schema: leaseId },
        },
        headers: idempotencyHeaders,
        answers: { 201: { description: "Granted.", content: json(schemaOf("Lease")) } },
        errors: ["invalid_header", "lease_exists", "too_many_leases", "idempotency_key_reused"],
      },
    },
    "/leases/{lease}": {
      get: {
        ...oneLease("showLease", "One lease, and how long it lives.", "LeaseStatus", "The lease."),
        query: { ...timeParameters, keys: { description: "`true`: with the keys that it has.", schema: truth } },
      },
      delete: oneLease("revokeLease", "Ends a lease, and deletes its keys.", "LeaseRevoked", "It has ended."),
    },
    "/leases/{lease}/keepalive": {
      post: oneLease("keepLeaseAlive", "Gives a lease all of its time again.", "Lease", "It lives on."),
    },
  },
};

const lockNotHeld = ["lock_not_held"] as const;

export const locksDescription: ResourceDescription = {
  name: "locks",
  description: "Fair locks with fencing tokens.",
  place: "group",
  schemas: {
    ...heldSchemas,
    Lock: objectOf({
      name: text,
      held: truth,
      holder: either(schemaOf("ValuedPlace"), nothing),
      waiting: whole,
      queue: listOf(schemaOf("Place")),
      revision: whole,
    }),
  },
  paths: {
    "/locks/{name}": {
      get: {
        id: "showLock",
        summary: "Who holds a lock, and who waits for it.",
        query: timeParameters,
        answers: { 200: { description: "The lock.", content: json(schemaOf("Lock")) } },
        errors: ["invalid_name"],
      },
      post: {
        id: "takeLock",
        summary: "Takes a lock, or waits for it.",
        description: "The body, if there is one, is shown to others beside the holder.",
        query: acquireParameters,
        headers: acquireHeaders,
        body: { required: false, content: { "*/*": { schema: { type: "string", format: "binary" } } } },
        answers: { 201: { description: "It is held now.", content: json(schemaOf("Taken")) } },
        errors: ["invalid_name", "invalid_body", "too_large", "lock_held", ...refusedPlace],
      },
      delete: {
        id: "releaseLock",
        summary: "Gives up a lock, or a place among those who wait.",
        query: placeParameters,
        answers: { 200: { description: "Given up.", content: json(schemaOf("GivenUp")) } },
        errors: ["invalid_name", ...lockNotHeld],
      },
    },
    "/locks/{name}/renew": {
      post: {
        id: "renewLock",
        summary: "Gives a place all of its time again.",
        query: placeParameters,
        answers: { 200: { description: "Renewed.", content: json(schemaOf("Renewed")) } },
        errors: ["invalid_name", "lease_not_found", ...lockNotHeld],
      },
    },
  },
};

export const electionsDescription: ResourceDescription = {
  name: "elections",
  description: "Candidates, one of whom leads.",
  place: "group",
  schemas: {
    Election: objectOf({
      name: text,
      leader: either(schemaOf("ValuedPlace"), nothing),
      candidates: whole,
      revision: whole,
    }),
  },
  paths: electionPaths,
};
