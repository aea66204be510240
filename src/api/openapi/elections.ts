/** What the addresses below `/elections` are, for the OpenAPI document. */

import { acquireHeaders, acquireParameters, placeParameters, refusedPlace } from "./places.ts";
import { idempotencyHeaders, timeParameters } from "./parameters.ts";
import type { PathDescriptions } from "./words.ts";
import { json, schemaOf, text } from "./words.ts";

const valueBody = { required: false, content: { "*/*": { schema: { type: "string", format: "binary" } } } };

export const electionPaths: PathDescriptions = {
  "/elections/{name}": {
    get: {
      id: "showElection",
      summary: "Who leads.",
      query: timeParameters,
      answers: { 200: { description: "The election.", content: json(schemaOf("Election")) } },
      errors: ["invalid_name"],
    },
  },
  "/elections/{name}/observe": {
    get: {
      id: "observeElection",
      summary: "Who leads, as it changes.",
      description: "Events: `leader`, `vacant`, and `failure` as the last one where it can't go on.",
      query: timeParameters,
      headers: { "Last-Event-ID": { description: "What was told last is not told again." } },
      answers: { 200: { description: "Server-sent events.", content: { "text/event-stream": { schema: text } } } },
      errors: ["invalid_name"],
    },
  },
  "/elections/{name}/campaign": {
    post: {
      id: "campaign",
      summary: "Becomes a candidate, and leads or waits for it.",
      description: "The body is the value that others see of the leader.",
      query: acquireParameters,
      headers: acquireHeaders,
      body: valueBody,
      answers: { 201: { description: "It leads now.", content: json(schemaOf("Taken")) } },
      errors: ["invalid_name", "invalid_body", "too_large", "not_elected", ...refusedPlace],
    },
  },
  "/elections/{name}/proclaim": {
    post: {
      id: "proclaim",
      summary: "Gives the leader another value.",
      query: placeParameters,
      headers: idempotencyHeaders,
      body: valueBody,
      answers: { 200: { description: "The leader.", content: json(schemaOf("ValuedPlace")) } },
      errors: ["invalid_name", "invalid_header", "invalid_body", "too_large", "not_elected", "idempotency_key_reused"],
    },
  },
  "/elections/{name}/renew": {
    post: {
      id: "renewCandidacy",
      summary: "Gives a candidacy all of its time again.",
      query: placeParameters,
      answers: { 200: { description: "Renewed.", content: json(schemaOf("Renewed")) } },
      errors: ["invalid_name", "not_elected"],
    },
  },
  "/elections/{name}/resign": {
    post: {
      id: "resign",
      summary: "Gives up leadership, or a candidacy.",
      query: placeParameters,
      answers: { 200: { description: "Given up.", content: json(schemaOf("GivenUp")) } },
      errors: ["invalid_name", "not_elected"],
    },
  },
};
