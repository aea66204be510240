/** What the addresses for probes and scrapers are, for the OpenAPI document. */

import { timeParameters } from "./parameters.ts";
import type { OperationDescription, ResourceDescription } from "./words.ts";
import { json, objectOf, text } from "./words.ts";

const readiness = (id: string): OperationDescription => ({
  id,
  summary: "Whether a leader answers linearizable reads.",
  query: timeParameters,
  answers: {
    200: {
      description: "One does.",
      content: json(objectOf({ status: { const: "ready" }, group: text, leader: text })),
    },
  },
  errors: ["no_leader", "timeout", "unavailable"],
});

const metrics = (id: string): OperationDescription => ({
  id,
  summary: "What all nodes count, in the words of Prometheus.",
  query: timeParameters,
  answers: { 200: { description: "The text format.", content: { "text/plain": { schema: text } } } },
  errors: ["misconfigured"],
});

export const groupProbesDescription: ResourceDescription = {
  name: "probes of a group",
  description: "For load balancers and Prometheus.",
  place: "group",
  paths: {
    "/readyz": { get: readiness("isGroupReady") },
    "/metrics": { get: metrics("groupMetrics") },
  },
};

export const rootProbesDescription: ResourceDescription = {
  name: "probes",
  description: "The Worker itself, and the group `default`.",
  place: "root",
  paths: {
    "/healthz": {
      get: {
        id: "isAlive",
        summary: "Whether the Worker runs; open to everybody.",
        answers: { 200: { description: "It does.", content: json(objectOf({ status: { const: "ok" } })) } },
        errors: [],
      },
    },
    "/readyz": { get: readiness("isReady") },
    "/metrics": { get: metrics("metrics") },
    "/openapi.json": {
      get: {
        id: "describeApi",
        summary: "This document.",
        answers: { 200: { description: "OpenAPI 3.1.", content: json({ type: "object" }) } },
        errors: [],
      },
    },
  },
};
