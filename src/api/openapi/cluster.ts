/** What `/cluster`, `/cluster/transfer` and `/cluster/recover` are, for the OpenAPI document. */

import { forceParameter, timeParameters } from "./parameters.ts";
import type { ResourceDescription, Schema } from "./words.ts";
import { either, json, listOf, nothing, objectOf, oneOf, schemaOf, text, truth, whole } from "./words.ts";

const maybe = (schema: Schema): Schema => either(schema, nothing);

const schemas: Readonly<Record<string, Schema>> = {
  Cluster: objectOf({
    group: text,
    leader: maybe(text),
    term: maybe(whole),
    commit_index: maybe(whole),
    joint: truth,
    group_id: maybe(text),
    nodes: listOf(schemaOf("Node")),
  }),
  Node: {
    ...objectOf({ id: text, member: oneOf("voter", "learner"), location_hint: maybe(text), reachable: truth }),
    description: "More is told of a node that answers; docs/api.md has the fields.",
  },
  Leadership: objectOf({ group: text, leader: text, term: whole }),
  Recovery: objectOf({
    group: text,
    node: text,
    group_id: text,
    last_index: whole,
    newly_committed: whole,
    warning: text,
  }),
};

export const clusterDescription: ResourceDescription = {
  name: "cluster",
  description: "The nodes of a group, and who leads them.",
  place: "group",
  schemas,
  paths: {
    "/cluster": {
      get: {
        id: "describeCluster",
        summary: "Every node as it sees itself.",
        query: timeParameters,
        answers: {
          200: { description: "Nodes that do not answer are part of it.", content: json(schemaOf("Cluster")) },
        },
        errors: [],
      },
    },
    "/cluster/transfer": {
      post: {
        id: "transferLeadership",
        summary: "Hands leadership over.",
        query: timeParameters,
        body: {
          required: false,
          content: json({ ...objectOf({ to: text }, ["to"]), description: "Without `to`: the most up-to-date voter." }),
        },
        answers: { 200: { description: "The new leader.", content: json(schemaOf("Leadership")) } },
        errors: ["invalid_body", "unknown_node", "not_a_voter", "change_pending", "transferring", "transfer_failed"],
      },
    },
    "/cluster/recover": {
      post: {
        id: "recoverCluster",
        summary: "Makes a group of one survivor when the majority is gone for good.",
        query: { ...timeParameters, ...forceParameter },
        body: { required: true, content: json(objectOf({ node: text, confirm: text })) },
        answers: { 200: { description: "A group of one node.", content: json(schemaOf("Recovery")) } },
        errors: ["invalid_body", "not_confirmed", "group_alive", "newer_survivor", "node_unreachable"],
      },
    },
  },
};
