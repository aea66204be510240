/** The OpenAPI document against the API that it describes: its addresses, their parameters, and its own references. */

import { describe, expect, test } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { resources } from "../../src/api/openapi/resources.ts";
import type { Method, OperationDescription, ResourceDescription } from "../../src/api/openapi/words.ts";
import type { ErrorBody } from "./client.ts";
import { TestClient } from "./client.ts";

interface Described {
  readonly method: string;
  /** As a client would call it. */
  readonly path: string;
  readonly operation: OperationDescription;
  readonly resource: ResourceDescription;
}

const groups = ["/v1", "/v1/groups/g1"];
const bases = { root: [""], group: groups, both: ["", ...groups] } as const;

const described: readonly Described[] = resources.flatMap((resource) =>
  Object.entries(resource.paths).flatMap(([path, methods]) =>
    (Object.entries(methods) as [Method, OperationDescription][]).flatMap(([method, operation]) =>
      bases[resource.place].map((base) => {
        return { method: method.toUpperCase(), path: base + path.replaceAll(/\{\w+\}/g, "x1"), operation, resource };
      }),
    ),
  ),
);

/** etcd's API is described by etcd, and `ALL` says which methods an address has, or who may call it. */
const routes = createApp()
  .routes.filter(({ method }) => method !== "ALL")
  .filter(({ path }) => !/\/(?:v3|v3alpha|v3beta|version|health)(?:\/|$)/.test(path))
  // One of etcd's clients knows its own address of watches; under a group the address is ours alone.
  .filter(({ path }) => path !== "/watch");

function matches(pattern: string, path: string): boolean {
  const expression = pattern.replaceAll(/:\w+/g, "[^/]+").replaceAll("*", ".+");
  return new RegExp(`^${expression}$`).test(path);
}

const nameOf = ({ method, path }: { readonly method: string; readonly path: string }): string => `${method} ${path}`;

describe("the addresses", () => {
  test("that are described exist", () => {
    const missing = described.filter(({ method, path }) => {
      return !routes.some((route) => route.method === method && matches(route.path, path));
    });
    expect(missing.map(nameOf)).toEqual([]);
  });

  test("that exist are described", () => {
    const silent = routes.filter((route) => {
      return !described.some(({ method, path }) => route.method === method && matches(route.path, path));
    });
    expect(routes.length).toBeGreaterThan(20);
    expect(silent.map(nameOf)).toEqual([]);
  });

  test("take the parameters that are described, and no others", async () => {
    const told: Record<string, readonly string[]> = {};
    for (const one of described.filter(({ operation }) => operation.query !== undefined)) {
      const response = await new TestClient().send(one.method, `${one.path}?no-such=1`);
      const { error } = await response.json<ErrorBody>();
      told[nameOf(one)] = / It has (.*)\.$/.exec(error.message)?.[1]?.split(", ").toSorted() ?? [error.message];
    }
    const expected = described.flatMap((one) => {
      const { query } = one.operation;
      return query === undefined ? [] : [[nameOf(one), Object.keys(query).toSorted()] as const];
    });
    expect(told).toEqual(Object.fromEntries(expected));
  });
});

describe("the document", () => {
  interface Document {
    readonly openapi: string;
    readonly paths: object;
    readonly components: object;
  }
  const load = async (): Promise<Document> => await (await new TestClient().get("/openapi.json")).json<Document>();

  test("is served, and refers to nothing that is not in it", async () => {
    const document = await load();
    expect(document.openapi).toBe("3.1.0");
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]*)"/g)].map(([, path = ""]) => path);
    const broken = references.filter((path) => {
      let found: unknown = document;
      for (const name of path.slice(1).split("/")) found = (found as Record<string, unknown> | undefined)?.[name];
      return found === undefined;
    });
    expect(references.length).toBeGreaterThan(20);
    expect(broken).toEqual([]);
  });

  test("has no two operations of one name, nor two descriptions of one address or schema", () => {
    const ids = resources.flatMap(({ paths }) => Object.values(paths).flatMap((path) => Object.values(path)));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length);
    const addresses = resources.flatMap(({ paths }) => Object.keys(paths));
    expect(new Set(addresses).size).toBe(addresses.length);
    const schemas = resources.flatMap(({ schemas: named = {} }) => Object.keys(named));
    expect(new Set(schemas).size).toBe(schemas.length);
  });

  test("tells of every address of a resource", async () => {
    const { paths } = await load();
    expect(Object.keys(paths).toSorted()).toEqual(
      [...new Set(resources.flatMap((resource) => Object.keys(resource.paths)))].toSorted(),
    );
  });
});
