/** Ranges of keys that a transaction reads, from JSON. */

import type { RangeOperation, SortTarget } from "../../kv/model.ts";
import { rangeOf } from "../../kv/operations.ts";
import { Fields } from "../json-fields.ts";
import { readSpan, spanFields } from "./spans.ts";

const bounds = [...(["min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision"] as const)];
const known = [...spanFields, "limit", "revision", "sort", "order", "keys_only", "count_only", ...bounds];
const sortNames = ["key", "version", "create_revision", "mod_revision", "value"] as const;
const sortTargets: Readonly<Record<(typeof sortNames)[number], SortTarget>> = {
  key: "key",
  version: "version",
  create_revision: "create",
  mod_revision: "mod",
  value: "value",
};

/** `{"key": "a"}` or `{"prefix": "a/", "limit": 10, "sort": "mod_revision", "order": "descending"}`. */
export function readRangeFields(value: unknown, place: string): RangeOperation {
  const fields = new Fields(value, place, known);
  const sort = fields.choice("sort", sortNames);
  const order = fields.choice("order", ["ascending", "descending"]);
  return rangeOf({
    ...readSpan(fields),
    limit: fields.number("limit"),
    revision: fields.number("revision"),
    sortTarget: sortTargets[sort ?? "key"],
    sortOrder: order === "descending" ? "descend" : sort === undefined && order === undefined ? "none" : "ascend",
    keysOnly: fields.flag("keys_only"),
    countOnly: fields.flag("count_only"),
    minModRevision: fields.number("min_mod_revision"),
    maxModRevision: fields.number("max_mod_revision"),
    minCreateRevision: fields.number("min_create_revision"),
    maxCreateRevision: fields.number("max_create_revision"),
  });
}
