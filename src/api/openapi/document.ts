/** Makes one OpenAPI document of what the resources say of themselves. */

import { statusOfCode } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { objectOf, schemaOf, text, truth } from "./words.ts";
import type { OperationDescription, ParameterDescriptions, ResourceDescription, Schema } from "./words.ts";

/** Errors that every address has; those of a group, too. */
const rootErrors: readonly ErrorCode[] = ["unauthorized", "no_token_configured", "internal"];
const groupErrors: readonly ErrorCode[] = [
  ...rootErrors,
  ...(["invalid_group", "invalid_parameter", "overloaded"] as const),
  ...(["no_leader", "timeout", "unavailable", "misconfigured"] as const),
];

/** Of whatever changes something: conditions that can't be kept are refused. */
const conditionErrors: readonly ErrorCode[] = ["invalid_header"];

const errorSchema = objectOf({
  error: {
    ...objectOf({ code: text, message: text, ambiguous: truth }),
    description: "A code to act on, a message to read, and whether a write may still take effect.",
  },
});

/** Where the node stood that answered. */
const positionHeaders: Readonly<Record<string, string>> = {
  "X-Raft-Term": "The term of the node that answered.",
  "X-Raft-Index": "Where a write was applied, or up to which a read's state had been.",
  "X-Raft-Leader": "The leader, if the node knows one.",
  "X-Raft-Served-By": "The node that answered.",
  "X-Raft-Bookmark": "How much of the group its client has seen now, opaque.",
};

const pathParameters: Readonly<Record<string, string>> = {
  id: "A node's id.",
  lease: "A lease's id.",
  name: "1 to 256 bytes of UTF-8, percent-encoded, with a slash as %2F.",
  key: "Any bytes, percent-encoded; slashes as they are.",
};

const info = {
  title: "durable-raft",
  version: "1",
  description: "A strongly consistent key-value store on Durable Objects. docs/api.md tells it as prose.",
  license: { name: "MIT", identifier: "MIT" },
};

const rootServer = { url: "/", description: "The group `default`, or none." };
const groupServers = [
  { url: "/v1", description: "The group `default`." },
  { url: "/v1/groups/{group}", variables: { group: { default: "default" } }, description: "Any other group." },
];

/** Where addresses are that are not under a group alone. */
const serversOf = { group: undefined, root: [rootServer], both: [rootServer, ...groupServers] } as const;

export function describeApi(resources: readonly ResourceDescription[]): object {
  return {
    openapi: "3.1.0",
    info,
    servers: groupServers,
    security: [{ token: [] }],
    tags: resources.map(({ name, description }) => ({ name, description })),
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      headers: headersOf(positionHeaders),
      schemas: Object.assign({ Error: errorSchema }, ...resources.map(({ schemas }) => schemas ?? {})) as object,
    },
  };
}

function pathsOf(resource: ResourceDescription): (readonly [string, object])[] {
  return Object.entries(resource.paths).map(([path, methods]) => {
    const operations = Object.entries(methods).map(([method, operation]) => {
      return [method, operationOf(method, operation, resource)];
    });
    const servers = serversOf[resource.place];
    return [
      path,
      {
        ...(servers !== undefined && { servers }),
        parameters: parametersIn(path),
        ...(Object.fromEntries(operations) as object),
      },
    ];
  });
}

function parametersIn(path: string): readonly object[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name = ""]) => {
    const description = pathParameters[name];
    return { name, in: "path", required: true, ...(description !== undefined && { description }), schema: text };
  });
}

function operationOf(method: string, operation: OperationDescription, { name, place }: ResourceDescription): object {
  const { id, summary, description, query, headers, body, answers } = operation;
  const errors = [
    ...(place === "root" ? rootErrors : groupErrors),
    ...(method === "get" ? [] : conditionErrors),
    ...operation.errors,
  ];
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    tags: [name],
    parameters: [...parametersOf("query", query), ...parametersOf("header", headers)],
    ...(body !== undefined && { requestBody: body }),
    responses: { ...answersOf(answers), ...errorsOf(errors) },
  };
}

function parametersOf(place: "query" | "header", descriptions: ParameterDescriptions = {}): readonly object[] {
  return Object.entries(descriptions).map(([name, { description, schema = text, required = false }]) => {
    return { name, in: place, description, required, schema };
  });
}

function answersOf(answers: OperationDescription["answers"]): object {
  const headers = Object.fromEntries(
    Object.keys(positionHeaders).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, { ...answer, headers }]));
}

/** One answer a status, with the codes that come with it. */
function errorsOf(codes: readonly ErrorCode[]): object {
  const byStatus = Map.groupBy(new Set(codes), statusOfCode);
  const content = { "application/json": { schema: schemaOf("Error") } };
  return Object.fromEntries(
    Array.from(byStatus, ([status, found]) => [status, { description: `\`${found.join("`, `")}\``, content }]),
  );
}

function headersOf(descriptions: Readonly<Record<string, string>>): Readonly<Record<string, Schema>> {
  return Object.fromEntries(
    Object.entries(descriptions).map(([name, description]) => [name, { description, schema: text }]),
  );
}
