/** What clients of the key-value store were told of the keys that nothing else changes, as the checker of linearizability reads it. */

import type { CommandResult, Item, OperationResult, QueryAnswer, TxnResult } from "../../../src/kv/model.ts";
import { checkLinearizability } from "../../linearizability/check.ts";
import type { Operation } from "../../linearizability/history.ts";
import type { KeyValueAnswer, KeyValueCall, Seen } from "../../linearizability/key-value-call.ts";
import { modelOfRevisions } from "../../linearizability/key-value-model.ts";
import { text } from "../../kv/store/requests.ts";
import { demand } from "../check/violation.ts";

/** Beyond this, histories of many unknown outcomes cost more than they show; hardly any needs a hundredth of it. */
const maxConfigurations = 50_000;
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
  /** Those that were given to writes that the checker is not shown. */
  private readonly revisions = new Set<number>();

  begin(client: string, call: KeyValueCall, invokedAtMs: number): Open {
    const open: Open = { client, call, invokedAtMs, completion: null, refused: false };
    this.operations.push(open);
    return open;
  }

  /** Somebody hears what became of a command that the checker is not shown. */
  hear(result: CommandResult): void {
    if (result.status === "txn" && hasWritten(result.txn)) this.revisions.add(result.revision);
  }

  /** Answers whether an order could be found; null when nobody has asked for anything that can be checked. */
  check(): "linearizable" | "undecided" | null {
    const operations = this.operations.filter(({ refused }) => !refused);
    if (operations.length === 0) return null;
    const report = checkLinearizability(modelOfRevisions(this.revisions), operations, { maxConfigurations });
    demand(report.verdict !== "violated", "linearizability", () => report.findings.join("\n"));
    return report.verdict === "linearizable" ? "linearizable" : "undecided";
  }
}

/** What a command's result says of a call; null when it says that nothing happened. */
export function answerOf(call: KeyValueCall, result: CommandResult): KeyValueAnswer | null {
  if (result.status !== "txn") return null;
  const { revision: storeRevision } = result;
  const { succeeded, results } = result.txn;
  const [first] = results;
  switch (call.kind) {
    case "put":
      return first?.kind === "put" ? { kind: "written", revision: first.modRevision, storeRevision } : null;
    case "delete":
      if (first?.kind !== "delete") return null;
      return first.deleted === 0
        ? { kind: "missing", storeRevision }
        : { kind: "written", revision: storeRevision, storeRevision };
    case "transaction":
      return { kind: "transacted", succeeded, revision: storeRevision, seen: results.map(seenBy), storeRevision };
    case "get":
    case "list":
      return null;
  }
}

export function readingOf(call: KeyValueCall, answer: QueryAnswer): KeyValueAnswer | null {
  if (answer.status !== "range") return null;
  const { items } = answer.range;
  const { revision: storeRevision } = answer;
  if (call.kind === "list") {
    return { kind: "listed", seen: new Map(items.map((item) => [text(item.key), seenOf(item)])), storeRevision };
  }
  return { kind: "read", seen: items[0] === undefined ? null : seenOf(items[0]), storeRevision };
}

function hasWritten({ results }: TxnResult): boolean {
  return results.some((result) => {
    if (result.kind === "txn") return hasWritten(result);
    return result.kind === "delete" ? result.deleted > 0 : result.kind !== "range";
  });
}

function seenBy(result: OperationResult): Seen | null {
  return result.kind === "range" && result.items[0] !== undefined ? seenOf(result.items[0]) : null;
}

function seenOf({ value, modRevision }: Item): Seen {
  return { value: text(value), revision: modRevision };
}
