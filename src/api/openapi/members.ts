/** What `/cluster/members` is, for the OpenAPI document. */

import { forceParameter, timeParameters } from "./parameters.ts";
import type { OperationDescription, ResourceDescription, Schema } from "./words.ts";
import { either, json, listOf, nothing, objectOf, oneOf, schemaOf, text, truth, whole } from "./words.ts";

const role = oneOf("voter", "learner");

const schemas: Readonly<Record<string, Schema>> = {
  Members: objectOf({
    group: text,
    leader: either(text, nothing),
    term: whole,
    index: whole,
    joint: truth,
    members: listOf(schemaOf("Member")),
  }),
  Member: objectOf(
    {
      id: text,
      role,
      promoting: truth,
      location_hint: either(text, nothing),
      lag: whole,
      last_contact_ms: either(whole, nothing),
    },
    ["lag", "last_contact_ms"],
  ),
  NewMember: objectOf({ id: text, role, location_hint: text, promote: truth }, ["role", "location_hint", "promote"]),
  MemberChange: either(
    objectOf({ add: schemaOf("NewMember") }),
    ...["remove", "promote", "demote"].map((action) => objectOf({ [action]: text })),
  ),
};

const changeErrors = [
  ...(["invalid_change", "member_exists", "role_unchanged", "unknown_node", "change_pending", "joint_change"] as const),
  ...(["transferring", "no_voters", "too_many_members", "two_voters", "quorum_at_risk", "not_caught_up"] as const),
  ...(["node_in_use", "node_unreachable", "transfer_failed"] as const),
];

const answers = { 200: { description: "The members, with the change in force.", content: json(schemaOf("Members")) } };
const query = { ...timeParameters, ...forceParameter };

const one = (id: string, summary: string): OperationDescription => ({
  id,
  summary,
  query,
  answers,
  errors: changeErrors,
});

export const membersDescription: ResourceDescription = {
  name: "members",
  description: "Who belongs to a group.",
  place: "group",
  schemas,
  paths: {
    "/cluster/members": {
      get: {
        id: "listMembers",
        summary: "Who belongs to the group.",
        query: timeParameters,
        answers: { 200: { description: "The members.", content: json(schemaOf("Members")) } },
        errors: [],
      },
      post: {
        id: "changeMembers",
        summary: "Adds a node, or makes several changes that take effect together.",
        query,
        body: {
          required: true,
          content: json(either(schemaOf("NewMember"), objectOf({ changes: listOf(schemaOf("MemberChange")) }))),
        },
        answers,
        errors: ["invalid_body", "too_large", ...changeErrors],
      },
    },
    "/cluster/members/{id}": { delete: one("removeMember", "Removes a node.") },
    "/cluster/members/{id}/promote": { post: one("promoteMember", "Makes a learner a voter.") },
    "/cluster/members/{id}/demote": { post: one("demoteMember", "Makes a voter a learner.") },
  },
};
