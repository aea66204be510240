/** What errors are called in etcd's API. */

import { describe, expect, test } from "vitest";
import { statusOf } from "../../../src/api/etcd/failures.ts";
import { StatusError } from "../../../src/api/etcd/status.ts";
import { ApiError, storeRefusal } from "../../../src/api/errors.ts";
import type { Refusal } from "../../../src/kv/model.ts";

const told = (error: unknown): unknown[] => {
  const status = statusOf(error);
  const { code } = status.body() as { code: number };
  return [status.httpStatus, code, status.message];
};

describe("what the store refuses", () => {
  test.each([
    [{ reason: "duplicate_key" }, 400, 3, "etcdserver: duplicate key given in txn request"],
    [{ reason: "too_many_operations" }, 400, 3, "etcdserver: too many operations in txn request"],
    [{ reason: "key_not_found" }, 400, 3, "etcdserver: key not found"],
    [{ reason: "compacted", compactRevision: 7 }, 400, 11, "etcdserver: mvcc: required revision has been compacted"],
    [{ reason: "future_revision" }, 400, 11, "etcdserver: mvcc: required revision is a future revision"],
    [{ reason: "lease_not_found" }, 404, 5, "etcdserver: requested lease not found"],
    [{ reason: "lease_exists" }, 412, 9, "etcdserver: lease already exists"],
  ] satisfies [Refusal, number, number, string][])("%o has etcd's words", (refusal, http, code, text) => {
    expect(told(storeRefusal(refusal))).toEqual([http, code, text]);
  });

  test.each([{ reason: "answer_too_large" }, { reason: "too_many_leases" }] satisfies Refusal[])(
    "%o has ours",
    (refusal) => {
      const error = storeRefusal(refusal);
      expect(told(error)).toEqual([429, 8, `etcdserver: ${error.message}`]);
    },
  );
});

test.each([
  ["no_leader", false, 503, 14, "etcdserver: no leader"],
  ["no_leader", true, 503, 14, "etcdserver: request timed out, possibly due to previous leader failure"],
  ["timeout", true, 503, 14, "etcdserver: request timed out"],
  ["unavailable", true, 503, 14, "etcdserver: request timed out, possibly due to connection lost"],
  ["overloaded", false, 429, 8, "etcdserver: too many requests"],
  ["too_large", false, 400, 3, "etcdserver: request is too large"],
] as const)("%s (ambiguous: %s) is told as %i, %i, %s", (code, ambiguous, ...expected) => {
  expect(told(new ApiError(code, "ours", { ambiguous }))).toEqual(expected);
});

test("a mistake of this code is not told", () => {
  expect(told(new Error("secret"))).toEqual([500, 2, "etcdserver: internal error"]);
});

test("a stream's last line says it as etcd 3.4 does, and as 3.6 does", () => {
  expect(new StatusError("unavailable", "etcdserver: no leader").streamBody()).toEqual({
    error: {
      grpc_code: 14,
      http_code: 503,
      http_status: "Service Unavailable",
      message: "etcdserver: no leader",
      code: 14,
    },
  });
});
