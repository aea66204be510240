/** Compares of a transaction, from JSON. */

import type { Compare } from "../../kv/model.ts";
import { maxValueBytes } from "../../kv/limits.ts";
import { Fields } from "../json-fields.ts";
import { readSpan, spanFields } from "./spans.ts";

const results = { "=": "equal", "!=": "notEqual", "<": "less", ">": "greater" } as const;
const signs = ["=", "!=", "<", ">"] as const;
const targets = { version: "version", create_revision: "create", mod_revision: "mod" } as const;
const targetNames = ["value", "version", "create_revision", "mod_revision", "lease"] as const;
const known = [...spanFields, "exists", "target", "op", "to", "encoding"];

/**
 * `{"key": "a", "exists": true}`, or `{"key": "a", "target": "mod_revision", "op": "=", "to": 7}`; `op` is `=` unless said.
 * Of several keys, all must hold.
 */
export function readCompare(value: unknown, place: string): Compare {
  const fields = new Fields(value, place, known);
  const span = readSpan(fields);
  const exists = fields.has("exists");
  if (exists === fields.has("target")) fields.refuseAll("says what must hold by exists or by target, and not by both");
  if (exists) {
    if (["op", "to", "encoding"].some((name) => fields.has(name))) fields.refuse("exists", "stands alone");
    return { ...span, target: "create", result: fields.flag("exists") ? "greater" : "equal", operand: 0 };
  }
  const target = fields.choice("target", targetNames) ?? fields.refuse("target", "is needed");
  const result = results[fields.choice("op", signs) ?? "="];
  if (!fields.has("to")) fields.refuse("to", "is needed");
  switch (target) {
    case "value":
      return { ...span, result, target, operand: valueOf(fields) };
    case "lease":
      return { ...span, result, target, operand: fields.int64("to") ?? "0" };
    case "version":
    case "create_revision":
    case "mod_revision":
      return { ...span, result, target: targets[target], operand: fields.number("to") };
  }
}

function valueOf(fields: Fields): Uint8Array {
  const value = fields.bytes("to", "encoding") ?? new Uint8Array(0);
  return value.length <= maxValueBytes ? value : fields.refuse("to", `is at most ${maxValueBytes} bytes long`);
}
