/** `npm run fuzz`: sends bad input to every door of a node and of the Worker until a promise is broken, and says what was sent. */

import { parseArgs } from "node:util";
import type { Door } from "../test/fuzz/door.ts";
import type { Failure, Tally } from "../test/fuzz/campaign.ts";
import { provideWorkerdModules } from "../test/fuzz/workerd-modules.ts";

const usage = `npm run fuzz -- [--inputs N] [--door NAME] [--seed S] [--minutes M] [--path P]
  --inputs   stop after so many inputs: 20,000 unless said
  --minutes  stop after so many minutes
  --door     only this one: frames, snapshot, internal, rest, coordination or etcd
  --seed     the first seed; each target of inputs has one of its own, and those after it
  --path     with --door and --seed: only the input to which this leads, as a failure tells it`;

const progressEveryMs = 2000;
const defaultInputs = 20_000;

interface Request {
  readonly inputs: number;
  readonly minutes: number;
  readonly seed: number;
  readonly door: string | undefined;
  readonly path: string | undefined;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const request = readRequest();
if (request === null) print(usage);
else {
  // The nodes say there what happens to them.
  console.log = () => undefined;
  // Only now, as these modules import what Node has not.
  provideWorkerdModules();
  const { doors } = await import("../test/fuzz/doors.ts");
  const chosen = doors.filter(({ name }) => request.door === undefined || name === request.door);
  if (chosen.length === 0) {
    print(usage);
    process.exit(2);
  }
  process.exit((await run(chosen, request)) ? 0 : 1);
}

/** What the command line asks for; null when it only asks what can be asked. Ends the process when it makes no sense. */
function readRequest(): Request | null {
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: "string" },
        minutes: { type: "string" },
        seed: { type: "string" },
        door: { type: "string" },
        path: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return null;
    const minutes = readNumber("minutes", values.minutes);
    const most = minutes === null ? defaultInputs : Number.MAX_SAFE_INTEGER;
    return {
      inputs: readNumber("inputs", values.inputs) ?? most,
      minutes: minutes ?? Number.POSITIVE_INFINITY,
      seed: readNumber("seed", values.seed) ?? Math.floor(Math.random() * 2 ** 31),
      door: values.door,
      path: values.path,
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    process.exit(2);
  }
}

async function run(chosen: readonly Door[], asked: Request): Promise<boolean> {
  print(`seeds from ${asked.seed} on`);
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
  const stop = { isAsked: false };
  process.once("SIGINT", () => (stop.isAsked = true));
  const startedAtMs = performance.now();
  let [total, failed] = [0, 0];
  for (const door of chosen) {
    const share = door.weight / weights;
    const [inputs, minutes] = [Math.ceil(asked.inputs * share), asked.minutes * share];
    const { tally, failure } = await fuzzDoor(door, { ...asked, inputs, minutes }, stop);
    total += tally.inputs;
    if (failure === null) continue;
    failed += 1;
    print(tellFailure(failure));
  }
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  print(`\n${total} inputs at ${chosen.length} doors in ${seconds} s`);
  print(failed === 0 ? "every promise held" : `a promise was broken at ${failed} of the doors`);
  return failed === 0;
}

/** Inputs for one door, until there were enough of them or its time is over. */
async function fuzzDoor(door: Door, { inputs, minutes, seed, path }: Request, stop: { readonly isAsked: boolean }) {
  const { emptyTally, fuzz } = await import("../test/fuzz/campaign.ts");
  const tally = emptyTally();
  const beginMs = performance.now();
  const untilMs = beginMs + minutes * 60_000;
  let progressAtMs = beginMs + progressEveryMs;
  const goesOn = (soFar: Tally): boolean => {
    const nowMs = performance.now();
    if (nowMs >= progressAtMs) {
      progressAtMs = nowMs + progressEveryMs;
      print(summarize(door, soFar, nowMs - beginMs));
    }
    return nowMs < untilMs && !stop.isAsked;
  };
  const failure = await fuzz(door, { inputs, seed, goesOn, ...(path === undefined ? {} : { path }) }, tally);
  print(`${summarize(door, tally, performance.now() - beginMs)}  ${failure === null ? "done" : "BROKEN"}`);
  return { tally, failure };
}

function summarize({ name }: Door, { inputs, outcomes }: Tally, tookMs: number): string {
  const { refused, accepted, undone } = outcomes;
  const rate = Math.round(inputs / (tookMs / 1000));
  const told = `${refused} refused, ${accepted} accepted${undone > 0 ? `, ${undone} undone` : ""}`;
  return `${name.padEnd(12)} ${String(inputs).padStart(8)} inputs  ${String(rate).padStart(6)}/s  ${told}`;
}

/** What is wrong, what it was found with, and the line that finds it again. */
function tellFailure({ door, seed, inputs, path, input, reason }: Failure): string {
  const again = `npm run fuzz -- --door ${door} --seed ${seed} --inputs ${inputs}`;
  const alone = path === "" ? "" : `\n  the input alone: ${again} --path ${path}`;
  const shrunk = input === "" ? "" : `\n  shrunk: ${input}`;
  return `\n${reason}${shrunk}\n  again: ${again}${alone}\n`;
}

function readNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number`);
  return value;
}
