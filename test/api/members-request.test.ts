/** What a client wants of a group's members, read from JSON: what is meant, and what is refused. */

import { describe, expect, test } from "vitest";
import { ApiError } from "../../src/api/errors.ts";
import { readChanges } from "../../src/api/members-request.ts";

function requestOf(body: unknown): Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request("http://localhost/v1/cluster/members", { method: "POST", body: text });
}

describe("one node", () => {
  test.each<[string, unknown, unknown]>([
    ["is to become a voter when it has caught up", { id: "n4" }, { role: "voter", promote: true }],
    ["is to vote at once", { id: "n4", promote: false }, { role: "voter", promote: false }],
    ["is to stay a learner", { id: "n4", role: "learner" }, { role: "learner", promote: false }],
    [
      "is a learner until it has caught up",
      { id: "n4", role: "learner", promote: true },
      { role: "learner", promote: true },
    ],
    [
      "is to be near a region",
      { id: "n4", location_hint: "apac-ne" },
      { role: "voter", promote: true, locationHint: "apac-ne" },
    ],
    ["is to be added as a list of one", { changes: [{ add: { id: "n4" } }] }, { role: "voter", promote: true }],
  ])("%s", async (_, body, meant) => {
    expect(await readChanges(requestOf(body))).toEqual([{ action: "add", id: "n4", ...(meant as object) }]);
  });
});

test("several changes take effect together, and then an added voter votes at once", async () => {
  const changes = [{ add: { id: "n4" } }, { remove: "n1" }, { promote: "l1" }, { demote: "n2" }];
  expect(await readChanges(requestOf({ changes }))).toEqual([
    { action: "add", id: "n4", role: "voter", promote: false },
    { action: "remove", id: "n1" },
    { action: "promote", id: "l1" },
    { action: "demote", id: "n2" },
  ]);
});

test.each<[string, unknown]>([
  ["no JSON", "{"],
  ["a list", []],
  ["a text", '"n4"'],
  ["nothing", ""],
  ["no id", { role: "voter" }],
  ["an id that is none", { id: "../n4" }],
  ["an id that is no text", { id: 4 }],
  ["an id that is too long", { id: "n".repeat(65) }],
  ["an empty id", { id: "" }],
  ["a role that is none", { id: "n4", role: "leader" }],
  ["a promotion that is neither", { id: "n4", promote: "yes" }],
  ["a region that is none", { id: "n4", location_hint: "the moon" }],
  ["a region that is mistyped", { id: "n4", location_hint: "weu" }],
  ["a region that is no text", { id: "n4", location_hint: null }],
  ["a field that is not known", { id: "n4", locationHint: "apac" }],
  ["changes that are no list", { changes: "n4" }],
  ["changes and a node", { id: "n4", changes: [] }],
  ["a change that is none", { changes: [{ replace: "n4" }] }],
  ["two changes in one", { changes: [{ add: { id: "n4" }, remove: "n3" }] }],
  ["an empty change", { changes: [{}] }],
  ["a change without a node", { changes: [{ remove: null }] }],
  ["an addition without an object", { changes: [{ add: "n4" }] }],
])("a body with %s is refused", async (_, body) => {
  const error = await readChanges(requestOf(body)).catch((error_: unknown) => error_);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ code: "invalid_body", ambiguous: false });
});
