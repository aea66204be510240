/** `npm run mutants`: puts each deliberate bug into the code under test, and prints how many seeds the simulator takes to find it. */

import { parseArgs } from "node:util";
import { allMutants } from "../test/sim/all-mutants.ts";
import { Violation } from "../test/sim/check/violation.ts";
import { findMutant } from "../test/sim/find-mutant.ts";
import type { Mutant } from "../test/sim/mutants.ts";

const usage = `npm run mutants -- [--only TEXT] [--seed N] [--seeds N] [--seconds N]
  --only     only those with this text in their names
  --seed     the first seed of each: 1 unless said
  --seeds    each must be found within so many seeds: 1000 unless said
  --seconds  and within so many seconds: 300 unless said`;

interface Found {
  readonly seeds: number;
  readonly seconds: number;
  /** The rule that it broke, or the assertion of the code under test; null when nothing has noticed it. */
  readonly by: string | null;
}

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1000" },
    seconds: { type: "string", default: "300" },
    help: { type: "boolean", default: false },
  },
});
const limits = { first: Number(values.seed), seeds: Number(values.seeds), seconds: Number(values.seconds) };
if (values.help) console.log(usage);
else if (!Object.values(limits).every((value) => value > 0)) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const chosen = allMutants.filter(({ name }) => name.includes(values.only));
  process.exitCode = (await runAll(chosen)) ? 0 : 1;
}

async function runAll(chosen: readonly Mutant[]): Promise<boolean> {
  console.log("hazard  seeds  seconds  what caught it            what it does wrong");
  let caught = 0;
  let most = 0;
  for (const mutant of chosen) {
    const { seeds, seconds, by } = await find(mutant);
    if (by !== null) caught += 1;
    most = Math.max(most, seeds);
    const columns = [
      String(mutant.hazard ?? "-").padStart(6),
      String(seeds).padStart(5),
      seconds.toFixed(1).padStart(7),
    ];
    console.log(`${columns.join("  ")}  ${(by ?? "NOT CAUGHT").padEnd(24)}  ${mutant.name}`);
  }
  console.log(`\n${caught} of ${chosen.length} caught, each within ${most} seeds`);
  return caught === chosen.length && chosen.length > 0;
}

async function find(mutant: Mutant): Promise<Found> {
  const startedAtMs = performance.now();
  const seconds = (): number => (performance.now() - startedAtMs) / 1000;
  const { seeds, error, withoutBug } = await findMutant(mutant, limits.first, limits.seeds, () => {
    return seconds() < limits.seconds;
  });
  if (withoutBug !== null) throw new Error("a rule is broken in this world without the bug", { cause: withoutBug });
  return { seeds, seconds: seconds(), by: error === null ? null : nameOf(error) };
}

function nameOf(error: Error): string {
  return error instanceof Violation ? error.rule : `an assertion (${error.message.split("\n")[0]?.slice(0, 40)})`;
}
