/** A whole node with its clock, its alarm and its peers: what it tells the world about itself. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AlarmTimer } from "../../src/node/alarm-timer.ts";
import { MonotonicClock } from "../../src/node/clock.ts";
import { Node } from "../../src/node/node.ts";
import { defaultSnapshotLimits } from "../../src/node/snapshots.ts";
import { SqlSnapshots } from "../../src/node/sql-snapshots.ts";
import type { CallAnswer } from "../../src/node/transport.ts";
import type { Message } from "../../src/raft/message.ts";
import { belongingOf } from "./belonging.ts";
import { options, threeVoters } from "./host.ts";
import { Disk, encode, WordList } from "./word-list.ts";

let alarms: number[];
let aborts: string[];
let callsEnded: number;
/** How calls to each peer end; `obeys` unless said. */
let peers: Record<string, (messages: readonly Message[]) => CallAnswer>;
let lines: Record<string, unknown>[];
let disk: Disk;
let machine: WordList;
let node: Node;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.spyOn(console, "log").mockImplementation((line) => void lines.push(JSON.parse(String(line)) as never));
  alarms = [];
  aborts = [];
  callsEnded = 0;
  lines = [];
  peers = {};
  disk = new Disk(threeVoters);
  machine = new WordList(disk.sql);
  const storage = disk.storage();
  const clock = new MonotonicClock();
  const timer = new AlarmTimer({ setAlarm: (atMs) => Promise.resolve(void alarms.push(atMs)) }, clock);
  const stored = storage.open()!;
  node = new Node(stored, options, {
    belonging: belongingOf(stored),
    join: () => Promise.reject(new Error("nobody is there")),
    storage,
    snapshots: new SqlSnapshots(disk.sql),
    limits: defaultSnapshotLimits,
    machine,
    renewMachine: () => machine,
    sendPart: () => Promise.resolve({ result: "unreachable", detail: "nobody is there" }),
    clock,
    timer,
    random: () => 0.5,
    call: (to, messages) => Promise.resolve((peers[to] ?? obeys)(messages)),
    abort: (reason) => void aborts.push(reason),
    endCalls: () => void (callsEnded += 1),
    rowsWritten: () => storage.rowsWritten,
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A peer that votes for whoever asks and stores whatever it gets. */
function obeys(messages: readonly Message[]): CallAnswer {
  const replies = messages.flatMap((message): Message[] => {
    const envelope = { from: message.to, to: message.from, term: message.term };
    if (message.type === "requestVote") {
      return [
        {
          type: "voteReply",
          question: 0,
          commitIndex: 0,
          commitTerm: 0,
          ...envelope,
          preVote: message.preVote,
          granted: true,
        },
      ];
    }
    if (message.type === "heartbeat") {
      return [{ type: "heartbeatReply", ...envelope, round: message.round, quiesced: false }];
    }
    if (message.type !== "appendEntries") return [];
    const index = message.prevLogIndex + message.entries.length;
    return [{ type: "appendReply", ...envelope, index, rejection: null, round: message.round }];
  });
  return { result: "ok", messages: replies };
}

const gone = (): CallAnswer => ({ result: "unreachable", detail: "HTTP 503" });

/** Lets time pass, and the alarm fire whenever it is due. */
async function pass(durationMs: number): Promise<void> {
  const endMs = Date.now() + durationMs;
  while (Date.now() < endMs) {
    await vi.advanceTimersByTimeAsync(1);
    const alarmMs = alarms.at(-1);
    if (alarmMs !== undefined && alarmMs <= Date.now()) {
      alarms = [];
      node.alarm();
    }
  }
}

function metric(name: string, ...labels: readonly string[]): number {
  const found = node
    .metricsText()
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

describe("the log", () => {
  test("has a line for each change of role, and nothing else while all is well", async () => {
    await pass(1000);
    const common = { event: "role", group: "g", node: "n1" };
    expect(lines).toEqual([
      { ...common, role: "follower", term: 0, leader: null },
      { ...common, role: "preCandidate", term: 0, leader: null },
      { ...common, role: "candidate", term: 1, leader: null },
      { ...common, role: "leader", term: 1, leader: "n1" },
    ]);
  });

  test("says when a peer ceases to answer and when it answers again, and not how often it did not", async () => {
    await pass(300);
    lines = [];
    peers["n3"] = gone;
    await pass(500);
    delete peers["n3"];
    await pass(200);
    const common = { event: "peer", group: "g", node: "n1", peer: "n3" };
    expect(lines).toEqual([
      { ...common, result: "unreachable", detail: "HTTP 503" },
      { ...common, result: "ok", failures: expect.any(Number) as number },
    ]);
    expect(lines[1]!["failures"]).toBeGreaterThan(5);
  });

  test("says why a node ends itself", async () => {
    await pass(300);
    machine.failsAt = "b";
    const outcome = node.propose(encode("b"), 1000);
    outcome.catch(() => {});
    const unhandled = vi.fn<(error: unknown) => void>();
    process.once("unhandledRejection", unhandled);
    await pass(5);
    vi.useRealTimers();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(aborts).toEqual(["Error: broken by b"]);
    expect(lines.at(-1)).toEqual({ event: "abort", group: "g", node: "n1", reason: "Error: broken by b" });
  });
});

describe("the metrics", () => {
  test("count calls by peer and result, and the heartbeats that a peer missed", async () => {
    await pass(300);
    expect(metric("durable_raft_heartbeats_missed_total")).toBe(0);
    peers["n3"] = gone;
    const sent = metric("durable_raft_heartbeats_sent_total");
    const called = metric("durable_raft_peer_calls_total", 'peer="n2"', 'result="ok"');
    await pass(500);
    const beats = (metric("durable_raft_heartbeats_sent_total") - sent) / 2;
    expect(beats).toBe(10);
    expect(metric("durable_raft_heartbeats_missed_total", 'peer="n3"')).toBe(10);
    expect(metric("durable_raft_heartbeats_missed_total", 'peer="n2"')).toBe(0);
    expect(metric("durable_raft_peer_calls_total", 'peer="n2"', 'result="ok"')).toBe(called + 10);
    expect(metric("durable_raft_peer_calls_total", 'peer="n3"', 'result="unreachable"')).toBeGreaterThanOrEqual(10);
  });

  test("tell role, term, elections, the log and the start", async () => {
    await pass(300);
    void node.propose(encode("a"), 1000);
    await pass(20);
    const figures = {
      durable_raft_term: 1,
      durable_raft_incarnation: 1,
      durable_raft_pre_votes_started_total: 1,
      durable_raft_elections_started_total: 1,
      durable_raft_elections_won_total: 1,
      durable_raft_log_first_index: 1,
      durable_raft_log_last_index: 2,
      durable_raft_commit_index: 2,
      durable_raft_applied_index: 2,
      durable_raft_commit_seconds_count: 1,
      durable_raft_apply_delay_seconds_count: 2,
      durable_raft_batch_entries_count: 2,
    };
    for (const [name, value] of Object.entries(figures)) expect([name, metric(name)]).toEqual([name, value]);
    expect(metric("durable_raft_role", 'role="leader"')).toBe(1);
    expect(metric("durable_raft_role")).toBe(1);
    expect(metric("durable_raft_rows_written_total")).toBeGreaterThan(5);
  });
});

describe("the status", () => {
  test("of a follower says whom it follows, and for how long it has heard nothing", async () => {
    const beat = {
      type: "heartbeat",
      commitIndex: 0,
      round: 1,
      timeMs: 500,
      electionMinMs: 150,
      leaseMs: 0,
      quiesce: false,
    } as const;
    const heartbeat: Message = { ...beat, from: "n2", to: "n1", term: 4 };
    node.driver.receive([heartbeat], "n2", node.nowMs());
    await vi.advanceTimersByTimeAsync(30);
    expect(node.status()).toMatchObject({ id: "n1", group: "g", role: "follower", term: 4, leader: "n2" });
    expect(node.status().lastContactMs).toBe(30);
    expect(node.status().peers).toBeUndefined();
  });

  test("of a leader says where each peer stands", async () => {
    await pass(300);
    peers["n3"] = gone;
    await pass(100);
    for (const word of ["a", "b"]) void node.propose(encode(word), 1000);
    await pass(20);
    const status = node.status();
    expect(status).toMatchObject({ role: "leader", leader: "n1", lastContactMs: null });
    expect(status.log).toMatchObject({ firstIndex: 1, lastIndex: 3, commitIndex: 3, appliedIndex: 3 });
    const [second, third] = status.peers!;
    expect(second).toMatchObject({ id: "n2", matchIndex: 3, state: "replicate", lagEntries: 0 });
    expect(third).toMatchObject({ id: "n3", matchIndex: 1, lagEntries: 2 });
    expect(third!.lastContactMs).toBeGreaterThanOrEqual(100);
  });
});

describe("a late or lost alarm", () => {
  test("is made up for by a request", async () => {
    await vi.advanceTimersByTimeAsync(70);
    node.catchUp();
    expect(node.status().role).toBe("follower");
    await vi.advanceTimersByTimeAsync(30);
    node.catchUp();
    expect(node.status().role).not.toBe("follower");
  });
});

test("a node that ends is answered no call any more", () => {
  expect(callsEnded).toBe(0);
  node.stop();
  expect(callsEnded).toBe(1);
});
