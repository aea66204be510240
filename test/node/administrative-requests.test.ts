/** Bodies of the calls that change a group: what is read as one, and what is nothing. */

import { describe, expect, test } from "vitest";
import { readChangeRequest, readJoinRequest, readTransferRequest } from "../../src/node/administrative-requests.ts";

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const noJson = ["", "{", "null", "[]", "7", '"x"', "\ufeff{}", "{}"];

describe("a change of members", () => {
  const add = { action: "add", id: "n4", role: "voter", promote: true };

  test("comes out as it went in", () => {
    const changes = [{ ...add, locationHint: "weur" }, add, { action: "remove", id: "n1" }];
    expect(readChangeRequest(bytes({ changes, force: true }))).toEqual({ changes, force: true });
  });

  test.each([
    ...noJson,
    { changes: [add] },
    { changes: {}, force: false },
    { changes: [null], force: false },
    { changes: [{ ...add, id: 4 }], force: false },
    { changes: [{ ...add, role: "king" }], force: false },
    { changes: [{ ...add, promote: "yes" }], force: false },
    { changes: [{ ...add, locationHint: 1 }], force: false },
    { changes: [{ action: "replace", id: "n1" }], force: false },
  ])("is not %j", (body) => {
    expect(readChangeRequest(bytes(body))).toBeNull();
  });
});

test("a transfer names a node, or leaves it to the leader", () => {
  expect(readTransferRequest(bytes({ to: "n2" }))).toEqual({ to: "n2" });
  expect(readTransferRequest(bytes({ to: null }))).toEqual({ to: null });
  for (const body of [...noJson, { to: 2 }, { from: "n2" }]) expect(readTransferRequest(bytes(body))).toBeNull();
});

describe("a request to join", () => {
  const request = {
    groupId: "f00d",
    first: { voters: ["n1"], learners: ["n2"] },
    storageIds: { n1: "a" },
    appliedIndex: 7,
    force: false,
  };

  test("comes out as it went in", () => {
    expect(readJoinRequest(bytes(request))).toEqual(request);
  });

  test.each([
    ...noJson,
    { ...request, groupId: "" },
    { ...request, first: { voters: [], learners: ["n2"] } },
    { ...request, first: { voters: ["n1"], learners: "n2" } },
    { ...request, first: { voters: ["a/b"], learners: [] } },
    { ...request, storageIds: { n1: 7 } },
    { ...request, storageIds: ["a"] },
    { ...request, appliedIndex: -1 },
    { ...request, appliedIndex: 0.5 },
    { ...request, force: 1 },
  ])("is not %j", (body) => {
    expect(readJoinRequest(bytes(body))).toBeNull();
  });
});
