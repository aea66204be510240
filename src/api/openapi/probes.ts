/** What the addresses for probes and scrapers are, for the OpenAPI document. */

import { timeParameters } from "./parameters.ts";
import type { ResourceDescription } from "./words.ts";
import { json, objectOf, text } from "./words.ts";

export const probesDescription: ResourceDescription = {
  name: "probes",
  description: "For load balancers and Prometheus.",
  place: "both",
  paths: {
    "/readyz": {
      get: {
        id: "isReady",
        summary: "Whether a leader answers linearizable reads.",
        query: timeParameters,
        answers: {
          200: {
            description: "One does.",
            content: json(objectOf({ status: { const: "ready" }, group: text, leader: text })),
          },
        },
        errors: [],
      },
    },
    "/metrics": {
      get: {
        id: "metrics",
        summary: "What all nodes count, in the words of Prometheus.",
        query: timeParameters,
        answers: { 200: { description: "The text format.", content: { "text/plain": { schema: text } } } },
        errors: [],
      },
    },
  },
};

export const workerDescription: ResourceDescription = {
  name: "worker",
  description: "What the Worker answers by itself.",
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
    "/": {
      get: {
        id: "signposts",
        summary: "Where to go on.",
        answers: { 200: { description: "Addresses by what they are for.", content: json({ type: "object" }) } },
        errors: [],
      },
    },
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
