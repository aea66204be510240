/** Operations and transactions, from JSON. */

import { maxOperations, maxTxnDepth } from "../../kv/limits.ts";
import { maxReadOperations } from "../../kv/operation-codec.ts";
import type { DeleteOperation, IncrementOperation, Operation, TxnOperation } from "../../kv/model.ts";
import { deleteOf } from "../../kv/operations.ts";
import { storeRefusal } from "../errors.ts";
import { Fields } from "../json-fields.ts";
import { readCompare } from "./read-compare.ts";
import { readPutFields } from "./read-put.ts";
import { readRangeFields } from "./read-range.ts";
import { keyFields, readKey, readSpan, spanFields } from "./spans.ts";

const kinds = ["put", "get", "delete", "increment", "txn"] as const;

/** Reads the operations of one command, of which moments count from `nowMs`. */
export class OperationReader {
  private readonly nowMs: number;
  /** How many more operations and compares the command may have. */
  private room = maxReadOperations;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** `{"if": [compares], "then": [operations], "else": [operations]}`; what is left out is empty. */
  txn(value: unknown, place: string, depth = 1): TxnOperation {
    const fields = new Fields(value, place, ["if", "then", "else"]);
    const lists = (["if", "then", "else"] as const).map((name) => fields.list(name) ?? []);
    // The store counts what transactions within transactions hold; here is decided what can be sent to it at all.
    const longest = Math.max(...lists.map((list) => list.length));
    this.room -= lists.reduce((sum, list) => sum + list.length, 0);
    if (longest > maxOperations || this.room < 0 || depth > maxTxnDepth) {
      throw storeRefusal({ reason: "too_many_operations" });
    }
    const [compares = [], success = [], failure = []] = lists;
    const operation = (name: string) => (one: unknown, at: number) =>
      this.operation(one, `${fields.placeOf(name)}[${at}]`, depth);
    return {
      kind: "txn",
      compares: compares.map((compare, at) => readCompare(compare, `${fields.placeOf("if")}[${at}]`)),
      success: success.map(operation("then")),
      failure: failure.map(operation("else")),
    };
  }

  /** One of `{"put": …}`, `{"get": …}`, `{"delete": …}`, `{"increment": …}` and `{"txn": …}`. */
  operation(value: unknown, place: string, depth = 1): Operation {
    const fields = new Fields(value, place, kinds);
    const [kind, ...more] = kinds.filter((name) => fields.has(name));
    if (kind === undefined || more.length > 0) {
      return fields.refuseAll(`is one of ${kinds.join(", ")}, and nothing else`);
    }
    const inner = fields.value(kind);
    const innerPlace = fields.placeOf(kind);
    switch (kind) {
      case "put":
        return readPutFields(inner, innerPlace, this.nowMs);
      case "get":
        return readRangeFields(inner, innerPlace);
      case "delete":
        return readDelete(inner, innerPlace);
      case "increment":
        return readIncrement(inner, innerPlace);
      case "txn":
        return this.txn(inner, innerPlace, depth + 1);
    }
  }
}

/** `{"key": "a"}` or `{"prefix": "a/"}`; `previous` asks for the items as they were. */
function readDelete(value: unknown, place: string): DeleteOperation {
  const fields = new Fields(value, place, [...spanFields, "previous"]);
  return deleteOf(readSpan(fields), fields.flag("previous") ? "values" : "none");
}

/** `{"key": "a", "by": 5}`; by one unless said. */
function readIncrement(value: unknown, place: string): IncrementOperation {
  const fields = new Fields(value, place, [...keyFields, "by"]);
  return { kind: "increment", key: readKey(fields), delta: fields.int64("by") ?? "1" };
}
