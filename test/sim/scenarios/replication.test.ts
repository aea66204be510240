/** Logs that went different ways, and how they become one again. */

import { afterEach, expect, test } from "vitest";
import { mutants } from "../mutants.ts";
import { calmSettings } from "../settings.ts";
import { Stage } from "../stage.ts";
import { Trace } from "../trace.ts";

let undo: (() => void) | undefined;

afterEach(() => {
  undo?.();
  undo = undefined;
});

/** Figure 8 of the Raft paper, up to the moment at which an entry of an earlier term is on a majority. */
async function figure8(): Promise<{ readonly stage: Stage; readonly index: number }> {
  // One entry in a message: the old entry arrives before the first of the new term.
  const { options } = calmSettings(5);
  const stage = await Stage.with(5, "n1", { options: { ...options, maxAppendBytes: 1 } });
  stage.connect(["n1", "n2"]);
  stage.write("n1");
  await stage.runFor(20);
  const { lastIndex: index } = stage.node("n2").image;
  stage.connect(["n3", "n4", "n5"]);
  await stage.elect("n5");
  stage.connect(["n1", "n3", "n4"]);
  await stage.elect("n1");
  stage.connect(["n1", "n2", "n3"]);
  await stage.until(() => stage.raft("n1").leadership?.peers.get("n3")?.matchIndex === index, 1000);
  stage.connect();
  return { stage, index };
}

test("hazard-01 an entry of an earlier term is not committed by counting, and may be replaced (Figure 8)", async () => {
  const { stage, index } = await figure8();
  expect(stage.ids.filter((id) => stage.node(id).image.lastIndex >= index)).toEqual(["n1", "n2", "n3", "n5"]);
  expect(stage.raft("n1").log.commitIndex).toBe(index - 1);
  stage.connect(["n3", "n4", "n5"]);
  await stage.elect("n5");
  await stage.runFor(200);
  expect(stage.setup.checks.ledger.lastIndex).toBeGreaterThan(index);
  expect(stage.node("n3").image.term(index)).toBe(stage.node("n5").image.term(index));
  expect(stage.node("n3").image.term(index)).not.toBe(stage.node("n2").image.term(index));
  stage.connect(stage.ids);
  await stage.runFor(500);
  expect(new Set(stage.ids.map((id) => stage.node(id).image.digest)).size).toBe(1);
});

test("hazard-01 the same story with the bug loses a committed entry", async () => {
  undo = mutants.find(({ hazard }) => hazard === 1)?.install?.();
  const found = await figure8().catch((error: unknown) => error);
  expect(found).toMatchObject({ rule: "commit of the own term" });
});

test("hazard-12 an append that comes after a later one takes nothing back", async () => {
  const stage = await Stage.with(3, "n1");
  stage.connect(["n1", "n2"]);
  const { lastIndex } = stage.node("n2").image;
  const line = stage.setup.network.line("n1", "n2");
  line.cloggedUntilMs = stage.world.nowMs + 200;
  stage.write("n1");
  await stage.runFor(10);
  line.cloggedUntilMs = 0;
  stage.write("n1");
  await stage.until(() => stage.node("n2").image.lastIndex === lastIndex + 2, 150);
  const seen: number[] = [];
  await stage.until(() => {
    seen.push(stage.node("n2").image.lastIndex);
    return false;
  }, 300);
  expect(stage.world.nowMs).toBeGreaterThan(line.cloggedUntilMs);
  expect(new Set(seen)).toEqual(new Set([lastIndex + 2]));
});

test("hazard-14 answers that come twice and out of order are counted once", async () => {
  const { network } = calmSettings(3);
  const wild = { ...network, duplicateRate: 1, strayRate: 0.5, strayMs: 100 };
  const stage = await Stage.with(3, "n1", { network: wild });
  const matches = new Map<string, number>();
  const writes = Array.from({ length: 30 }, () => stage.write(stage.leader()?.id ?? "n1"));
  await stage.until(() => {
    for (const [id, { matchIndex }] of stage.node("n1").instance?.driver?.raft.leadership?.peers ?? []) {
      expect(matchIndex).toBeGreaterThanOrEqual(matches.get(id) ?? 0);
      expect(matchIndex).toBeLessThanOrEqual(stage.node(id).image.lastIndex);
      matches.set(id, matchIndex);
    }
    return writes.every(({ outcome }) => outcome !== null);
  }, 5000);
  expect(writes.every(({ outcome }) => outcome?.done)).toBe(true);
  expect(matches.size).toBe(2);
});

test("hazard-33 10,000 entries of other terms are replaced after at most one probe a term", async () => {
  const probes: string[] = [];
  const trace = new Trace(1, ({ who, what }) => {
    if (who === "n2" && what.includes("rejected")) probes.push(what);
  });
  const stage = new Stage(3, {}, { trace });
  const blocks = (terms: readonly number[]): number[] =>
    terms.flatMap((term) => Array.from({ length: 2500 }, () => term));
  const common = [1, 1, 1, 1, 1];
  const newer = [...common, ...blocks([3, 5, 7, 9])];
  stage.prepare("n1", newer);
  stage.prepare("n2", [...common, ...blocks([2, 4, 6, 8])]);
  stage.prepare("n3", newer);
  stage.start();
  const repaired = (): boolean => stage.node("n2").image.appliedIndex > newer.length;
  expect(await stage.until(repaired, 5000)).toBe(true);
  expect(probes.length).toBeGreaterThan(0);
  expect(probes.length).toBeLessThanOrEqual(8);
});
