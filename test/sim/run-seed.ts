/** One run: the world of one seed from its first event to the proof that it ends well, or to the rule that it breaks. */

import { drawSettings } from "./draw-settings.ts";
import { demandLiveness } from "./liveness.ts";
import type { Settings } from "./settings.ts";
import type { Tampering } from "./setup.ts";
import { Simulation } from "./simulation.ts";
import type { Trace } from "./trace.ts";

export interface RunOptions {
  readonly trace?: Trace;
  readonly tampering?: Tampering;
  /** Changes the world that the seed stands for. */
  readonly adjust?: (settings: Settings) => Settings;
}

export interface RunResult {
  readonly settings: Settings;
  /** Null when every rule has held. */
  readonly failure: Error | null;
  readonly events: number;
  readonly simulatedMs: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly elected: number;
  readonly committed: number;
  readonly operations: number;
  readonly acknowledged: number;
  /** Whether an order of what clients were told was found; null where there was nothing to be ordered. */
  readonly history: "linearizable" | "undecided" | null;
}

export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const drawn = drawSettings(seed);
  const settings = options.adjust?.(drawn) ?? drawn;
  const simulation = new Simulation(settings, options);
  const { failure, history } = await judge(simulation);
  simulation.close();
  const { world, checks } = simulation.setup;
  return {
    settings,
    failure,
    history,
    events: world.events,
    simulatedMs: world.nowMs,
    faults: world.faults,
    elected: checks.elections.elected,
    committed: checks.ledger.lastIndex,
    operations: simulation.history.operations.length,
    acknowledged: checks.attempts.acknowledged + (checks.store?.commands.acknowledged ?? 0),
  };
}

async function judge(simulation: Simulation): Promise<Pick<RunResult, "failure" | "history">> {
  const { options, faultyMs } = simulation.setup.settings;
  try {
    simulation.start();
    await simulation.runFor(faultyMs);
    // Without either of the two a node that nobody healed may disturb the others for ever (thesis, section 9.6).
    if (options.preVote && options.checkQuorum) await demandLiveness(simulation);
    return { failure: null, history: simulation.storeHistory.check() };
  } catch (error) {
    return { failure: error instanceof Error ? error : new Error(String(error)), history: null };
  }
}
