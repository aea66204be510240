/** Bad input at every door, as `npm run fuzz` sends it, but only some of it: never a crash, always the documented error. */

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { emptyTally, fuzz } from "./campaign.ts";
import { doors } from "./doors.ts";

vi.mock("cloudflare:workers", async () => await import("./durable-object.ts"));

/** Other inputs each time: what is found says by which seed it is found again. */
const seed = Math.floor(Math.random() * 2 ** 31);
const inputs: Readonly<Record<string, number>> = {
  frames: 2500,
  snapshot: 100,
  internal: 150,
  rest: 400,
  coordination: 200,
  etcd: 200,
};

beforeAll(() => {
  // The nodes' log.
  vi.spyOn(console, "log").mockImplementation(() => undefined);
});
afterAll(() => vi.restoreAllMocks());

describe("whatever comes", () => {
  test.each(doors)(
    "to $name, nothing breaks",
    async (door) => {
      const tally = emptyTally();
      expect(await fuzz(door, { inputs: inputs[door.name] ?? 0, seed }, tally)).toBeNull();
      expect(tally.inputs).toBe(inputs[door.name]);
      // Some of both kinds, or they say little.
      expect(Math.min(tally.outcomes.refused, tally.outcomes.accepted)).toBeGreaterThan(0);
    },
    60_000,
  );
});
