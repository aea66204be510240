/** What clients of the key-value store were told of the keys that nothing else changes, as the checker of linearizability reads it. */

import type { CommandResult, Item, OperationResult, QueryAnswer } from "../../../src/kv/model.ts";
import { checkLinearizability } from "../../linearizability/check.ts";
import type { Operation } from "../../linearizability/history.ts";
import type { KeyValueAnswer, KeyValueCall, Seen } from "../../linearizability/key-value-call.ts";
import { keyValueModel } from "../../linearizability/key-value-model.ts";
import { text } from "../../kv/store/requests.ts";
import { demand } from "../check/violation.ts";

/** Beyond this, histories of many unknown outcomes cost more than they show. */
const maxConfigurations = 20_000;
/** Of a client that was never answered. */
interface Open {
  readonly client: string;
  readonly call: KeyValueCall;
  readonly invokedAtMs: number;
  completion: Operation<KeyValueCall, KeyValueAnswer>["completion"];
  /** It has not taken effect, and never will. */
  refused: boolean;
}

export class StoreHistory {
  private readonly operations: Open[] = [];

  begin(client: string, call: KeyValueCall, invokedAtMs: number): Open {
    const open: Open = { client, call, invokedAtMs, completion: null, refused: false };
    this.operations.push(open);
    return open;
  }

  /** Answers how many operations could be put in an order; 0 when that was too much work. */
  check(): number {
    const operations = this.operations.filter(({ refused }) => !refused);
    const report = checkLinearizability(keyValueModel, operations, { maxConfigurations });
    demand(report.verdict !== "violated", "linearizability", () => report.findings.join("\n"));
    return report.verdict === "linearizable" ? operations.length : 0;
  }
}

/** What a command's result says of a call; null when it says that nothing happened. */
export function answerOf(call: KeyValueCall, result: CommandResult): KeyValueAnswer | null {
  if (result.status !== "txn") return null;
  const { succeeded, results } = result.txn;
  const [first] = results;
  switch (call.kind) {
    case "put":
      return first?.kind === "put" ? { kind: "written", revision: first.modRevision } : null;
    case "delete":
      if (first?.kind !== "delete") return null;
      return first.deleted === 0 ? { kind: "missing" } : { kind: "written", revision: result.revision };
    case "transaction":
      return { kind: "transacted", succeeded, revision: result.revision, seen: results.map(seenBy) };
    case "get":
    case "list":
      return null;
  }
}

export function readingOf(call: KeyValueCall, answer: QueryAnswer): KeyValueAnswer | null {
  if (answer.status !== "range") return null;
  const { items } = answer.range;
  if (call.kind === "list") {
    return { kind: "listed", seen: new Map(items.map((item) => [text(item.key), seenOf(item)])) };
  }
  return { kind: "read", seen: items[0] === undefined ? null : seenOf(items[0]) };
}

function seenBy(result: OperationResult): Seen | null {
  return result.kind === "range" && result.items[0] !== undefined ? seenOf(result.items[0]) : null;
}

function seenOf({ value, modRevision }: Item): Seen {
  return { value: text(value), revision: modRevision };
}
