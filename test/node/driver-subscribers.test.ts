/** What the driver's turns mean for subscribers, and for batches of commands, on a node that is a group alone. */

import { beforeEach, describe, expect, test } from "vitest";
import type { StateMachine } from "../../src/machine.ts";
import { Driver } from "../../src/node/driver.ts";
import { defaultSnapshotLimits } from "../../src/node/snapshots.ts";
import { SqlSnapshots } from "../../src/node/sql-snapshots.ts";
import { maxOutOfTouchMs, maxSubscriptions, type Outlet } from "../../src/node/subscriptions.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { NumberMachine, type NumbersRequest, numbersRequest } from "../support/number-machine.ts";
import { options, settled } from "./host.ts";
import { Disk, WordList } from "./word-list.ts";

let disk: Disk;
/** What happened to the disk and to subscribers, in order. */
let journal: string[];
let isMember: boolean;
let driver: Driver;
const nowMs = 10_000;

beforeEach(() => {
  disk = new Disk(simpleConfiguration(["n1"]));
  journal = [];
  isMember = true;
  driver = start(new NumberMachine(disk.sql));
});

function start(machine: StateMachine): Driver {
  const storage = disk.storage();
  const transaction = storage.transaction.bind(storage);
  storage.transaction = (work) => {
    const result = transaction(work);
    journal.push("commit");
    return result;
  };
  const nothing = (): void => undefined;
  return new Driver(
    options,
    storage.open()!,
    {
      storage,
      snapshots: new SqlSnapshots(disk.sql),
      limits: defaultSnapshotLimits,
      machine,
      renewMachine: () => machine,
      sendPart: nothing,
      send: nothing,
      arm: nothing,
      scheduleFlush: nothing,
      toSystemMs: (timeMs) => timeMs,
      configured: () => isMember,
      abort: (error) => journal.push(`abort ${String(error)}`),
      random: () => 0.5,
      observer: {
        roleChanged: nothing,
        saved: (count) => journal.push(`save ${count}`),
        applied: nothing,
        committed: nothing,
        compacted: nothing,
        snapshotSent: nothing,
        snapshotInstalled: nothing,
      },
    },
    0,
  );
}

/** Lets it be elected, and forgets what came of that. */
function lead(): void {
  driver.wake(driver.raft.deadlineMs);
  expect(driver.raft.role).toBe("leader");
  journal = [];
}

function outlet(name: string): Outlet {
  return {
    pendingBytes: 0,
    write: (message) => void journal.push(`${name}: ${String(message)}`),
    end: () => void journal.push(`${name} ends`),
    breakOff: () => void journal.push(`${name} is broken off`),
  };
}

function subscribe(name: string, request: Partial<NumbersRequest> = {}): () => void {
  return driver.subscribe(numbersRequest(request), outlet(name), nowMs);
}

const commands = (...texts: readonly string[]): Uint8Array[] => texts.map((text) => new TextEncoder().encode(text));

async function propose(...texts: readonly string[]): Promise<string[]> {
  const outcomes = await driver.proposeAll(commands(...texts), nowMs + 1000, nowMs);
  return outcomes.map((outcome) =>
    outcome.done ? `${new TextDecoder().decode(outcome.result)} at ${outcome.index}` : outcome.code,
  );
}

describe("a batch", () => {
  test("is saved as one, each command an entry of its own, and each is answered", async () => {
    lead();
    expect(await propose("5", "6", "7")).toEqual(["1 at 2", "2 at 3", "3 at 4"]);
    expect(journal.filter((line) => line.startsWith("save"))).toEqual(["save 3"]);
  });

  test("is refused command by command where nobody leads", async () => {
    expect(await propose("5", "6")).toEqual(["not_leader", "not_leader"]);
    expect(journal).toEqual([]);
  });

  test("that holds more than may wait is refused from there on, and what was taken takes effect", async () => {
    lead();
    const large = "7".repeat(options.maxUncommittedBytes - 10);
    expect(await propose(large, "x".repeat(100), "5")).toEqual(["1 at 2", "overloaded", "2 at 3"]);
  });
});

describe("subscribers", () => {
  test("are told once a turn, of what was stored in it, after it was stored", async () => {
    lead();
    subscribe("a", { from: 1 });
    subscribe("b", { from: 2 });
    void propose("5", "6");
    expect(journal).toEqual(["save 2", "commit", "a: 1=5", "a: 2=6", "b: 2=6"]);
    await settled();
  });

  test("are told nothing by a turn that applies nothing", () => {
    lead();
    subscribe("a", { from: 1 });
    driver.lookAtTime(nowMs + 1);
    driver.wake(nowMs + 2);
    expect(journal.filter((line) => line.startsWith("a"))).toEqual([]);
  });

  test("are told of time by any turn, once a second", () => {
    lead();
    subscribe("a", { ticks: true });
    for (const afterMs of [1000, 1500, 2000]) driver.lookAtTime(nowMs + afterMs);
    expect(journal.filter((line) => line.startsWith("a"))).toEqual(["a: at 11000", "a: at 12000"]);
  });

  test("are told nothing of what an aborted turn has undone", async () => {
    lead();
    const broken = new NumberMachine(disk.sql);
    const apply = broken.apply.bind(broken);
    broken.apply = (given) => {
      apply(given);
      throw new Error("broken");
    };
    driver = start(broken);
    lead();
    subscribe("a", { from: 1 });
    await propose("5").catch(() => undefined);
    expect(journal).toEqual(["save 1", "abort Error: broken"]);
    journal = [];
    driver = start(new NumberMachine(disk.sql));
    subscribe("b", { from: 1, opening: true });
    expect(journal).toEqual(["b: opened 0"]);
  });

  test("are left by a node that ends, and by one that is no member any more", () => {
    subscribe("a");
    isMember = false;
    driver.enrolmentChanged(nowMs);
    expect(journal).toEqual(["a is broken off"]);
    subscribe("b");
    driver.stop(nowMs);
    expect(journal).toEqual(["a is broken off", "b is broken off"]);
    expect(driver.mayServe()).toMatchObject({ code: "not_leader", ambiguous: false });
  });

  test("stay while their node leads or rests, and leave one that hears of no leader", () => {
    subscribe("a");
    driver.lookAtTime(nowMs);
    expect(journal).toEqual([]);
    driver.lookAtTime(nowMs + maxOutOfTouchMs);
    expect(journal).toEqual(["a is broken off"]);
    lead();
    subscribe("b");
    driver.lookAtTime(nowMs + 10 * maxOutOfTouchMs);
    expect(journal).toEqual([]);
  });

  test("are not served by a state machine that can't", () => {
    driver = start(new WordList(disk.sql));
    expect(driver.mayServe()).toMatchObject({ code: "bad_request", ambiguous: false });
  });

  test("are served up to their greatest number", () => {
    const leave = subscribe("a");
    for (let count = 1; count < maxSubscriptions; count += 1) subscribe("b");
    expect(driver.mayServe()).toMatchObject({ code: "overloaded", ambiguous: false });
    leave();
    expect([driver.mayServe(), driver.subscribers]).toEqual([null, maxSubscriptions - 1]);
  });
});
