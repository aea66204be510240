/** A rule that was broken: the finding of a run. */

/** The rules that are checked, in the words of the Raft paper (figure 3) where it has words for them. */
export type Rule =
  | "election safety"
  | "one vote a term"
  | "durable before it leaves"
  | "log matching"
  | "leader completeness"
  | "state-machine safety"
  | "possible changes"
  | "answered changes"
  | "commit of the own term"
  | "committed on a quorum"
  | "monotone indexes"
  | "cluster time"
  | "exactly once"
  | "answers"
  | "timers"
  | "watches"
  | "linearizability"
  | "linearizable reads"
  | "stale reads"
  | "liveness";

export class Violation extends Error {
  override readonly name = "Violation";
  readonly rule: Rule;

  constructor(rule: Rule, message: string) {
    super(`${rule}: ${message}`);
    this.rule = rule;
  }
}

/** Throws a `Violation` of the rule unless the condition holds; the message is made only then. */
export function demand(condition: boolean, rule: Rule, message: () => string): asserts condition {
  if (!condition) throw new Violation(rule, message());
}
