/** What the checker knows of calls to a key-value store and of the answers to them, and how it writes them down. */

/** What must hold for a key, or a write is refused. */
export type Condition =
  /** Its newest revision, 0 for a key that is missing. */
  { readonly revision: number } | { readonly exists: boolean } | { readonly value: string | null };

export interface Compare {
  readonly key: string;
  readonly condition: Condition;
}

export type Step =
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly key: string };

export type KeyValueCall =
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "put"; readonly key: string; readonly value: string; readonly condition?: Condition }
  | { readonly kind: "delete"; readonly key: string; readonly condition?: Condition }
  /** Reads all these keys at one moment. */
  | { readonly kind: "list"; readonly keys: readonly string[] }
  /** Does one of two lists of steps, all of them at once, and all writes at one revision. */
  | {
      readonly kind: "transaction";
      readonly compare: readonly Compare[];
      readonly success: readonly Step[];
      readonly failure: readonly Step[];
    };

export type WriteCall = Extract<KeyValueCall, { readonly kind: "put" | "delete" }>;

/** What a key was seen to hold. A revision that was not told is undefined. */
export interface Seen {
  readonly value: string;
  readonly revision?: number;
}

/** `storeRevision` is the newest revision of the store then, of any key, where that was told. */
export type KeyValueAnswer = Told & { readonly storeRevision?: number };

type Told =
  | { readonly kind: "read"; readonly seen: Seen | null }
  | { readonly kind: "written"; readonly revision?: number }
  /** A delete of a key that is not there. */
  | { readonly kind: "missing" }
  /** The condition did not hold. `found` is the key's revision, null if it is missing, undefined if that was not told. */
  | { readonly kind: "refused"; readonly found?: number | null }
  | { readonly kind: "listed"; readonly seen: ReadonlyMap<string, Seen> }
  | {
      readonly kind: "transacted";
      readonly succeeded: boolean;
      /** Of its writes; undefined if it has none. */
      readonly revision?: number;
      /** One for each step: what a get saw, null for a missing key and for a write. Undefined if that was not told. */
      readonly seen?: readonly (Seen | null)[];
    };

export function describeCall(call: KeyValueCall): string {
  switch (call.kind) {
    case "get":
      return `get ${call.key}`;
    case "list":
      return `list ${call.keys.join(" ")}`;
    case "transaction": {
      const compare = call.compare.map(({ key, condition }) => `${key}${describeCondition(condition)}`).join(" and ");
      return `if ${compare || "true"} then ${describeSteps(call.success)} else ${describeSteps(call.failure)}`;
    }
    default:
      return describeWrite(call);
  }
}

function describeWrite(call: WriteCall): string {
  const condition = call.condition === undefined ? "" : ` if it${describeCondition(call.condition)}`;
  return `${call.kind} ${call.key}${call.kind === "put" ? ` = ${call.value}` : ""}${condition}`;
}

function describeSteps(steps: readonly Step[]): string {
  const told = steps.map((step) => `${step.kind} ${step.key}${step.kind === "put" ? ` = ${step.value}` : ""}`);
  return `(${told.join(", ")})`;
}

function describeCondition(condition: Condition): string {
  if ("revision" in condition) return ` is at revision ${condition.revision}`;
  if ("exists" in condition) return condition.exists ? " exists" : " is missing";
  return ` holds ${condition.value ?? "nothing"}`;
}

export function describeAnswer(answer: KeyValueAnswer): string {
  switch (answer.kind) {
    case "read":
      return describeSeen(answer.seen);
    case "written":
      return answer.revision === undefined ? "done" : `revision ${answer.revision}`;
    case "missing":
      return "missing";
    case "refused":
      return answer.found === undefined ? "refused" : `refused, it is at ${answer.found ?? "no revision"}`;
    case "listed":
      return [...answer.seen].map(([key, seen]) => `${key} = ${describeSeen(seen)}`).join(", ") || "nothing";
    case "transacted": {
      const seen = (answer.seen ?? []).flatMap((one) => (one === null ? [] : [describeSeen(one)]));
      const revision = answer.revision === undefined ? "" : `, revision ${answer.revision}`;
      return `${answer.succeeded ? "then" : "else"}${revision}${seen.length === 0 ? "" : `, saw ${seen.join(", ")}`}`;
    }
  }
}

function describeSeen(seen: Seen | null): string {
  if (seen === null) return "missing";
  return seen.revision === undefined ? seen.value : `${seen.value} (revision ${seen.revision})`;
}
