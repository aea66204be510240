/** Which operations have to be checked together: those that share keys, directly or through others. */

import type { Operation } from "./history.ts";

export interface Partition<Call, Answer> {
  readonly keys: readonly string[];
  readonly operations: readonly Operation<Call, Answer>[];
}

/** A history is linearizable if each of its parts is (Herlihy and Wing, 1990, theorem 1). */
export function partitionOf<Call, Answer>(
  operations: readonly Operation<Call, Answer>[],
  keysOf: (call: Call) => readonly string[],
): Partition<Call, Answer>[] {
  const keys = new DisjointSets();
  for (const { call } of operations) {
    const [first, ...others] = keysOf(call);
    if (first === undefined) throw new Error("an operation without keys");
    keys.join(first, first);
    for (const other of others) keys.join(first, other);
  }
  const parts = new Map<string, Operation<Call, Answer>[]>();
  for (const operation of operations) {
    const root = keys.find(keysOf(operation.call)[0] ?? "");
    const part = parts.get(root);
    if (part === undefined) parts.set(root, [operation]);
    else part.push(operation);
  }
  return [...parts].map(([root, part]) => ({ keys: keys.membersOf(root), operations: part }));
}

class DisjointSets {
  private readonly parents = new Map<string, string>();

  find(member: string): string {
    let root = member;
    for (
      let parent = this.parents.get(root);
      parent !== undefined && parent !== root;
      parent = this.parents.get(root)
    ) {
      root = parent;
    }
    // Whoever looks again has one step to go.
    for (let at = member; at !== root;) {
      const parent = this.parents.get(at) ?? root;
      this.parents.set(at, root);
      at = parent;
    }
    return root;
  }

  join(one: string, other: string): void {
    for (const member of [one, other]) if (!this.parents.has(member)) this.parents.set(member, member);
    this.parents.set(this.find(one), this.find(other));
  }

  membersOf(root: string): string[] {
    return [...this.parents.keys()].filter((member) => this.find(member) === root).sort();
  }
}
