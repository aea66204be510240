/** Snapshots between nodes: who gets one, what survives faults and crashes on the way, and what is left of the log. */

import { describe, expect, test } from "vitest";
import { type Event, type Fate, SnapshotGroup, words } from "./snapshot-group.ts";

/** A group led by n1 with a log that begins far behind where that of n3, which is down, ends. */
function behind(more: ConstructorParameters<typeof SnapshotGroup>[1] = {}): SnapshotGroup {
  const group = new SnapshotGroup(undefined, more);
  group.elect("n1");
  group.write("n1", ...words("a", 3));
  group.pass(100);
  group.node("n3").crash();
  group.write("n1", ...words("b", 20));
  // Until n3 counts as gone.
  group.pass(400);
  group.write("n1", ...words("c", 20));
  group.pass(100);
  if (group.node("n1").running.raft.log.firstIndex < 20) throw new Error("the log was not compacted");
  return group;
}

function expectEqual(group: SnapshotGroup): void {
  const [first = "", ...others] = group.ids.map((id) => group.node(id).words());
  expect(first).not.toBe("");
  expect(others).toEqual(others.map(() => first));
  const logs = group.ids.map((id) => group.node(id).running.raft.log.appliedIndex);
  expect(new Set(logs).size).toBe(1);
}

function leftBehind(group: SnapshotGroup): string[] {
  return group.ids.flatMap((id) => {
    const rows = group.node(id).sql.exec<{ name: string }>("SELECT name FROM sqlite_schema WHERE name LIKE 'raft%'");
    const known = ["raft_state", "raft_log", "raft_cut", "raft_staging"];
    return rows.toArray().flatMap(({ name }) => (known.includes(name) ? [] : [`${id}: ${name}`]));
  });
}

/** Loses or doubles the n-th event of a type, for one node or all. */
function nth(type: Event["type"], number: number, fate: Fate): (event: Event) => Fate {
  let seen = 0;
  return (event) => {
    if (event.type !== type) return undefined;
    seen += 1;
    return seen === number ? fate : undefined;
  };
}

describe("a follower whose log ends before the leader's begins", () => {
  test("gets the state in pages, and goes on from the log", () => {
    const group = behind();
    group.node("n3").start();
    group.pass(100);
    expect(group.node("n3").installed).toHaveLength(1);
    expect(group.arrived.length).toBeGreaterThan(3);
    expectEqual(group);
    group.write("n1", "after");
    expectEqual(group);
    expect(group.node("n3").words()).toContain(" after");
    expect(leftBehind(group)).toEqual([]);
  });

  test("gets the state as it was when the sending began, while the leader goes on applying", () => {
    const group = behind();
    let written = 0;
    group.fate = (event) => {
      if (event.type === "part" && written < 10) {
        written += 1;
        group.write("n1", `during${written}`);
      }
      return undefined;
    };
    group.node("n3").start();
    group.pass(100);
    const indexes = new Set(group.arrived.map(({ message }) => message.snapshot.index));
    expect(indexes).toEqual(new Set(group.node("n3").installed));
    expect(written).toBeGreaterThan(3);
    expectEqual(group);
    expect(group.node("n3").words()).toMatch(new RegExp(`during1 .*during${written}$`));
  });

  test("hazard-19 hazard-31 knows its members and its state after a restart from the snapshot alone, twice", () => {
    const group = behind();
    group.node("n3").start();
    group.pass(100);
    for (const round of ["d", "e"]) {
      group.node("n3").crash();
      group.write("n1", ...words(round, 20));
      group.pass(400);
      group.write("n1", ...words(`${round}${round}`, 20));
      group.node("n3").start();
      group.pass(100);
      // Nothing but the snapshot is there.
      group.node("n3").crash();
      group.node("n3").start();
      const { raft } = group.node("n3").running;
      expect(raft.configuration).toEqual(group.node("n1").running.raft.configuration);
      expect(group.node("n3").words()).toBe(group.node("n1").words());
      expect(raft.log.firstIndex).toBeGreaterThan(20);
    }
    expect(group.node("n3").installed).toHaveLength(3);
  });

  test("hazard-18 applies nothing twice, and never goes back", () => {
    const group = behind();
    group.node("n3").start();
    let before = 0;
    let wentBack = false;
    group.fate = () => {
      const { appliedIndex } = group.node("n3").running.raft.log;
      wentBack ||= appliedIndex < before;
      before = appliedIndex;
      return undefined;
    };
    group.pass(200);
    expect(wentBack).toBe(false);
    expectEqual(group);
    const all = group.node("n3").words().split(" ");
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("hazard-20 a page or an answer that is lost or comes twice", () => {
  const faults = ["part", "answer"].flatMap((type) =>
    ["lost", "twice"].flatMap((fate) => [1, 2, 4].map((number) => ({ type, fate, number }))),
  ) as { type: "part" | "answer"; fate: "lost" | "twice"; number: number }[];

  test.each(faults)(
    "costs a heartbeat or two, and no page that arrived: $type $number $fate",
    ({ type, fate, number }) => {
      const group = behind();
      const clean = behind();
      clean.node("n3").start();
      clean.pass(100);
      group.fate = nth(type, number, fate);
      group.node("n3").start();
      group.pass(300);
      expectEqual(group);
      expect(group.node("n3").installed).toHaveLength(1);
      expect(group.arrived.length).toBeLessThanOrEqual(clean.arrived.length + 1);
      expect(leftBehind(group)).toEqual([]);
    },
  );

  test("is the answer to the last one", () => {
    const group = behind();
    let lost = 0;
    group.fate = (event) => {
      if (event.type !== "answer" || event.answer.result !== "installed" || lost > 0) return undefined;
      lost += 1;
      return "lost";
    };
    group.node("n3").start();
    group.pass(200);
    expect(lost).toBe(1);
    expectEqual(group);
    expect(group.node("n3").installed).toHaveLength(1);
    expect(leftBehind(group)).toEqual([]);
  });
});

describe("a crash", () => {
  test.each([1, 2, 3, 4, 5])("of the receiver when page %i arrives: it goes on where it was", (number) => {
    const group = behind();
    let seen = 0;
    group.fate = (event) => {
      if (event.type === "part") seen += 1;
      if (event.type !== "part" || seen !== number) return undefined;
      group.node("n3").crash();
      return undefined;
    };
    group.node("n3").start();
    group.pass(100);
    group.node("n3").start();
    group.pass(300);
    expectEqual(group);
    const cuts = new Set(group.arrived.map(({ cutId }) => cutId));
    expect(cuts.size).toBe(1);
    const sequences = group.arrived.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...sequences].sort((one, other) => one - other));
  });

  test.each([1, 2, 3, 4, 5])("of the sender after page %i: leading again it goes on where it was", (number) => {
    const group = behind();
    let seen = 0;
    group.fate = (event) => {
      if (event.type !== "answer") return undefined;
      seen += 1;
      if (seen === number) group.node("n1").crash();
      return undefined;
    };
    group.node("n3").start();
    group.pass(20);
    group.node("n1").start();
    group.elect("n1");
    group.pass(300);
    expectEqual(group);
    expect(new Set(group.arrived.map(({ cutId }) => cutId)).size).toBe(1);
    expect(leftBehind(group)).toEqual([]);
  });

  test.each([1, 3])(
    "of the sender after page %i: another leader begins anew, and nothing of the old stays",
    (number) => {
      const group = behind();
      let seen = 0;
      group.fate = (event) => {
        if (event.type !== "answer") return undefined;
        seen += 1;
        if (seen === number) group.node("n1").crash();
        return undefined;
      };
      group.node("n3").start();
      group.pass(20);
      group.elect("n2");
      group.write("n2", "by n2");
      group.pass(300);
      group.node("n1").start();
      group.pass(300);
      expectEqual(group);
      expect(new Set(group.arrived.map(({ cutId }) => cutId)).size).toBe(2);
      group.pass(2500);
      expect(leftBehind(group)).toEqual([]);
    },
  );

  test("of the receiver that loses its disk's staging: the sender begins anew", () => {
    const group = behind();
    let seen = 0;
    group.fate = (event) => {
      if (event.type === "part") seen += 1;
      if (event.type !== "part" || seen !== 3) return undefined;
      group.node("n3").crash();
      return undefined;
    };
    group.node("n3").start();
    group.pass(100);
    const { sql } = group.node("n3");
    sql.exec("DELETE FROM raft_staging");
    sql.exec("DROP TABLE raft_staged_words");
    group.node("n3").start();
    group.pass(300);
    expectEqual(group);
    expect(new Set(group.arrived.map(({ cutId }) => cutId)).size).toBe(2);
  });
});

describe("hazard-17 a snapshot that is late", () => {
  test("changes nothing, and is answered with how far the node is", () => {
    const group = behind();
    group.node("n3").start();
    group.pass(100);
    group.write("n1", "newer");
    const before = group.node("n3").words();
    for (const part of group.arrived) {
      const answer = group.node("n3").running.receivePart(part, group.nowMs);
      expect(answer).toMatchObject({ result: "installed", messages: [{ type: "appendReply", rejection: null }] });
    }
    expect(group.node("n3").words()).toBe(before);
    expect(group.node("n3").installed).toHaveLength(1);
    expect(leftBehind(group)).toEqual([]);
  });

  test("is refused from a leader of an earlier term", () => {
    const group = behind();
    group.node("n3").start();
    group.fate = (event) => (event.type === "part" ? "lost" : undefined);
    let part: Extract<Event, { type: "part" }> | null = null;
    group.fate = (event) => {
      if (event.type === "part") part ??= event;
      return event.type === "part" ? "lost" : undefined;
    };
    group.pass(100);
    group.elect("n2");
    group.pass(100);
    expect(group.node("n3").running.receivePart(part!.part, group.nowMs)).toMatchObject({ result: "refused" });
    group.fate = () => undefined;
    group.pass(200);
    expectEqual(group);
  });
});

describe("pages", () => {
  test("that do not fit together are thrown away, and all are sent again", () => {
    const group = behind();
    let spoilt = false;
    const { n3 } = { n3: group.node("n3") };
    group.fate = (event) => {
      if (event.type !== "part" || event.part.sequence !== 2 || spoilt) return undefined;
      spoilt = true;
      const bytes = event.part.page.bytes.slice();
      bytes[bytes.length - 1]! ^= 1;
      const answer = n3.running.receivePart({ ...event.part, page: { ...event.part.page, bytes } }, group.nowMs);
      expect(answer.result).toBe("corrupt");
      return undefined;
    };
    n3.start();
    group.pass(300);
    expect(spoilt).toBe(true);
    expectEqual(group);
  });

  test("of another shape of the tables are refused, and do no harm", () => {
    const group = behind();
    const { sql } = group.node("n3");
    sql.exec("DROP TABLE words");
    sql.exec("CREATE TABLE words (position INTEGER PRIMARY KEY, word TEXT, more TEXT)");
    group.node("n3").start();
    group.pass(300);
    expect(group.node("n3").installed).toEqual([]);
    expect(group.node("n1").sent.length).toBeGreaterThan(1);
    expect(group.node("n1").sent).not.toContain(true);
    expect(group.node("n1").running.raft.role).toBe("leader");
  });
});

test("two followers that need a state get it one after the other", () => {
  const group = new SnapshotGroup(["n1", "n2", "n3", "n4", "n5"]);
  group.elect("n1");
  group.pass(100);
  for (const id of ["n4", "n5"]) group.node(id).crash();
  group.write("n1", ...words("a", 20));
  group.pass(400);
  group.write("n1", ...words("b", 20));
  for (const id of ["n4", "n5"]) group.node(id).start();
  group.pass(400);
  expectEqual(group);
  expect([group.node("n4").installed.length, group.node("n5").installed.length]).toEqual([1, 1]);
  const receivers = group.arrived.map(({ message }) => message.to);
  expect(receivers.filter((to, position) => to !== receivers[position - 1])).toHaveLength(2);
});

describe("the log", () => {
  test("keeps what the limits say behind the slowest follower that lives", () => {
    const group = new SnapshotGroup();
    group.elect("n1");
    group.write("n1", ...words("a", 30));
    group.pass(100);
    for (const id of group.ids) {
      const { firstIndex, appliedIndex } = group.node(id).running.raft.log;
      expect(appliedIndex - firstIndex + 1).toBeGreaterThanOrEqual(5);
      expect(appliedIndex - firstIndex + 1).toBeLessThan(10);
      expect(group.node(id).compacted).toBe(firstIndex - 1);
    }
    // A follower that is heard and takes no entries.
    group.fate = (event) => {
      if (event.type !== "messages" || event.to !== "n3") return undefined;
      return event.messages.some(({ type }) => type === "appendEntries") ? "lost" : undefined;
    };
    const before = group.node("n3").running.raft.log.lastIndex;
    for (let count = 0; count < 20; count += 1) {
      group.write("n1", `slow${count}`);
      group.pass(20);
    }
    expect(group.node("n1").running.raft.log.firstIndex).toBeLessThanOrEqual(before + 1);
    expect(group.node("n2").running.raft.log.firstIndex).toBeGreaterThan(before + 1);
    group.fate = () => undefined;
    group.pass(100);
    expectEqual(group);
    expect(group.node("n3").installed).toEqual([]);
  });

  test("is never longer than the hard limit, whoever is behind", () => {
    const group = new SnapshotGroup();
    group.elect("n1");
    group.pass(100);
    group.fate = (event) => {
      if (event.type !== "messages" || event.to !== "n3") return undefined;
      return event.messages.some(({ type }) => type === "appendEntries") ? "lost" : undefined;
    };
    for (let count = 0; count < 80; count += 1) {
      group.write("n1", `w${count}`);
      group.pass(20);
      const { firstIndex, appliedIndex } = group.node("n1").running.raft.log;
      expect(appliedIndex - firstIndex).toBeLessThanOrEqual(50 + 1);
    }
    group.fate = () => undefined;
    group.pass(300);
    expectEqual(group);
  });

  test("reaches back to the state that is being sent, as long as somebody takes it", () => {
    const group = behind({ cutIdleMs: 500 });
    group.node("n3").start();
    let answers = 0;
    group.fate = (event) => {
      if (event.type === "answer") answers += 1;
      return event.type === "part" && answers >= 2 ? "lost" : undefined;
    };
    group.pass(100);
    const cutIndex = group.arrived[0]!.message.snapshot.index;
    group.write("n1", ...words("long", 60));
    expect(group.node("n1").running.raft.log.firstIndex).toBeLessThanOrEqual(cutIndex + 1);
    group.node("n3").crash();
    group.pass(800);
    group.write("n1", ...words("longer", 10));
    expect(group.node("n1").running.raft.log.firstIndex).toBeGreaterThan(cutIndex + 1);
    expect(leftBehind(group).filter((name) => name.startsWith("n1"))).toEqual([]);
    group.fate = () => undefined;
    group.node("n3").start();
    group.pass(400);
    expectEqual(group);
  });

  test("is forgotten in steps", () => {
    const group = new SnapshotGroup(["n1"], { keepEntries: 100_000, maxEntries: 100_000 });
    group.elect("n1");
    group.write("n1", ...words("a", 300));
    const stored = group.node("n1");
    stored.crash();
    (group.limits as { keepEntries: number }).keepEntries = 10;
    stored.start();
    const steps: number[] = [];
    for (let before = stored.compacted; ; before = stored.compacted) {
      stored.running.flush(group.nowMs);
      if (stored.compacted === before) break;
      steps.push(stored.compacted - before);
    }
    expect(Math.max(...steps)).toBeLessThanOrEqual(64);
    expect(steps.length).toBeGreaterThan(2);
    expect(stored.running.raft.log.firstIndex).toBeGreaterThan(280);
  });
});
