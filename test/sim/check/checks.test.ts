/** Every rule, broken on purpose by a history that is written by hand. */

import { beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../../src/raft/entry.ts";
import type { Message } from "../../../src/raft/message.ts";
import { emptyRecord, type WriteRecord } from "../disk/write-record.ts";
import { DurabilityGate } from "../output-gate.ts";
import { calmSettings } from "../settings.ts";
import { registerLanguage } from "../store/register-store.ts";
import { Checks, type Watched } from "./checks.ts";
import { type Rule, Violation } from "./violation.ts";

let checks: Checks;

beforeEach(() => {
  checks = new Checks(calmSettings(3), registerLanguage);
});

const image = (node: string): Watched["image"] => checks.images.get(node)!;

function watched(node: string, incarnation = 1): Watched {
  const indexes = { writtenIndex: 9, term: 0, commitIndex: 0, appliedIndex: 0, ledTerm: 0 };
  return { node, life: `${node}, ${incarnation}`, image: image(node), gate: new DurabilityGate(), ...indexes };
}

function entry(index: number, term: number, name = `w${index}`): Entry {
  const write = { name, key: "k", expectedRevision: null, idempotencyKey: null };
  return { index, term, kind: "command", timeMs: 0, data: registerLanguage.encodeWrite(write, 0) };
}

function flush(node: string, record: Partial<WriteRecord>): void {
  checks.flush(node, image(node), { ...emptyRecord(), ...record });
}

function store(node: string, ...entries: readonly Entry[]): void {
  flush(node, { entries });
}

function begin(name: string): void {
  checks.attempts.begin({ name, key: "k", expectedRevision: null, idempotencyKey: null });
}

function commit(...entries: readonly Entry[]): void {
  for (const { data } of entries) begin(registerLanguage.nameOf(data) ?? "");
  for (const node of ["n1", "n2"]) store(node, ...entries);
  checks.ledger.claim("n1", image("n1"), 1, entries.length, entries.at(-1)!.term);
}

/** The rule that the work breaks; null when it breaks none. */
function broken(work: () => void): Rule | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof Violation) return error.rule;
    throw error;
  }
}

describe("elections", () => {
  test("a term has one leader, in one incarnation", () => {
    expect(checks.elections.leads(2, "n1, 1")).toBe(true);
    expect(checks.elections.leads(2, "n1, 1")).toBe(false);
    expect(broken(() => checks.elections.leads(2, "n2, 1"))).toBe("election safety");
    expect(broken(() => checks.elections.leads(2, "n1, 2"))).toBe("election safety");
  });

  test("a node has one vote a term, across crashes", () => {
    flush("n1", { hardState: { term: 2, vote: "n2" } });
    const grant = (to: string, term: number): Message[] => [
      {
        type: "voteReply",
        from: "n1",
        to,
        term,
        preVote: false,
        granted: true,
        question: 0,
        commitIndex: 0,
        commitTerm: 0,
      },
    ];
    checks.left(watched("n1"), grant("n2", 2));
    expect(broken(() => checks.left(watched("n1", 2), grant("n3", 2)))).toBe("one vote a term");
    expect(broken(() => flush("n1", { hardState: { term: 2, vote: null } }))).toBe("one vote a term");
    expect(broken(() => flush("n1", { hardState: { term: 1, vote: "n2" } }))).toBe("one vote a term");
  });

  test("what a message promises is durable when it leaves", () => {
    const from = "n1";
    const vote: Message = {
      type: "voteReply",
      from,
      to: "n2",
      term: 1,
      preVote: false,
      granted: true,
      question: 0,
      commitIndex: 0,
      commitTerm: 0,
    };
    expect(broken(() => checks.left(watched("n1"), [vote]))).toBe("durable before it leaves");
    flush("n1", { hardState: { term: 1, vote: "n3" } });
    expect(broken(() => checks.left(watched("n1"), [vote]))).toBe("durable before it leaves");
    const accepted: Message = { type: "appendReply", from, to: "n2", term: 1, index: 1, rejection: null, round: 0 };
    expect(broken(() => checks.left(watched("n1"), [accepted]))).toBe("durable before it leaves");
    store("n1", entry(1, 1));
    checks.left(watched("n1"), [accepted]);
  });

  test("a leader holds what was committed in earlier terms", () => {
    commit(entry(1, 1), entry(2, 1));
    const complete = (term: number, holds: boolean) => () => checks.ledger.requireComplete("n3", term, () => holds);
    expect(broken(complete(3, true))).toBeNull();
    expect(broken(complete(3, false))).toBe("leader completeness");
    // Who leads an earlier term may learn of its election late.
    expect(broken(complete(1, false))).toBeNull();
    const asked: Entry[] = [];
    checks.ledger.requireComplete("n3", 3, (committed) => asked.push(committed) > 0);
    expect(asked).toEqual([entry(2, 1)]);
  });
});

describe("logs", () => {
  test("equal index and term mean equal entries", () => {
    store("n1", entry(1, 1, "a"));
    store("n2", entry(1, 1, "a"));
    expect(broken(() => store("n3", entry(1, 1, "b")))).toBe("log matching");
  });

  test("equal index and term mean equal entries before them", () => {
    store("n1", entry(1, 1), entry(2, 3));
    expect(broken(() => store("n2", entry(1, 2), entry(2, 3)))).toBe("log matching");
  });

  test("committed is what a majority of disks holds", () => {
    begin("w1");
    store("n1", entry(1, 1));
    expect(broken(() => checks.ledger.claim("n1", image("n1"), 1, 1, 1))).toBe("committed on a quorum");
    store("n2", entry(1, 1));
    checks.ledger.claim("n1", image("n1"), 1, 1, 1);
    expect(broken(() => checks.ledger.claim("n3", image("n3"), 1, 1, 1))).toBe("committed on a quorum");
  });

  test("what is committed stays on a majority, and the same", () => {
    commit(entry(1, 1), entry(2, 1));
    store("n3", entry(1, 1), entry(2, 2));
    expect(broken(() => checks.ledger.claim("n3", image("n3"), 2, 2, 2))).toBe("state-machine safety");
    expect(broken(() => store("n2", entry(2, 2)))).toBe("committed on a quorum");
  });

  test("what is committed is not removed by a shorter log either", () => {
    commit(entry(1, 1), entry(2, 1));
    expect(broken(() => store("n2", entry(1, 1)))).toBe("committed on a quorum");
  });
});

describe("states", () => {
  test("are equal where equal commands were applied", () => {
    checks.ledger.applied("n1", { index: 1, digest: 5 });
    checks.ledger.applied("n2", { index: 1, digest: 5 });
    expect(broken(() => checks.ledger.applied("n3", { index: 1, digest: 6 }))).toBe("state-machine safety");
  });

  test("are equal in content, not only by what was applied", () => {
    checks.ledger.holds("n1", 1, "a = 1");
    checks.ledger.holds("n2", 1, "a = 1");
    expect(broken(() => checks.ledger.holds("n3", 1, "a = 2"))).toBe("state-machine safety");
  });

  test("hold committed entries alone, and never go back", () => {
    commit(entry(1, 1), entry(2, 1));
    flush("n1", { appliedIndex: 2 });
    checks.flushed("n1", image("n1"));
    expect(broken(() => flush("n1", { appliedIndex: 1 }))).toBe("monotone indexes");
    store("n2", entry(3, 1));
    flush("n2", { appliedIndex: 3 });
    expect(broken(() => checks.flushed("n2", image("n2")))).toBe("state-machine safety");
  });
});

describe("writes", () => {
  const written = { written: true, revision: 2 } as const;

  test("are acknowledged where they were committed, with their result", () => {
    commit(entry(1, 1, "a"));
    checks.attempts.acknowledge("a", 1, written);
    expect(broken(() => checks.attempts.acknowledge("a", 2, written))).toBe("exactly once");
    expect(broken(() => checks.attempts.acknowledge("a", 1, { written: true, revision: 3 }))).toBe("exactly once");
    begin("b");
    expect(broken(() => checks.attempts.acknowledge("b", 2, written))).toBe("exactly once");
  });

  test("are committed once", () => {
    expect(broken(() => commit(entry(1, 1, "a"), entry(2, 1, "a")))).toBe("exactly once");
  });

  test("are committed only if somebody wrote them, and never when they were denied", () => {
    expect(broken(() => checks.attempts.committed("a", 1))).toBe("exactly once");
    begin("a");
    checks.attempts.deny("a", "not_leader");
    expect(broken(() => checks.attempts.committed("a", 1))).toBe("exactly once");
    begin("b");
    checks.attempts.committed("b", 1);
    expect(broken(() => checks.attempts.deny("b", "superseded"))).toBe("exactly once");
  });
});
