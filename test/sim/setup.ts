/** What all parts of a simulation share. */

import type { StateMachine } from "../../src/machine.ts";
import type { NodeStorage } from "../../src/node/storage.ts";
import type { Checks } from "./check/checks.ts";
import type { Network } from "./network.ts";
import type { OutputGate } from "./output-gate.ts";
import type { Random } from "./random.ts";
import type { Settings } from "./settings.ts";
import type { StoreLanguage } from "./store/language.ts";
import type { World } from "./world.ts";

/** Separate streams of chance, so that one more draw in one place does not change everything else. */
export interface Streams {
  readonly nodes: Random;
  readonly network: Random;
  readonly disks: Random;
  readonly alarms: Random;
  readonly gates: Random;
  readonly clients: Random;
  readonly faults: Random;
}

/** Bugs made on purpose, around the code under test; each may wrap what a node is given. */
export interface Tampering {
  readonly storage?: (storage: NodeStorage) => NodeStorage;
  readonly machine?: (machine: StateMachine) => StateMachine;
  readonly gate?: (gate: OutputGate) => OutputGate;
}

export interface Setup {
  readonly settings: Settings;
  readonly tampering: Tampering;
  readonly world: World;
  readonly random: Streams;
  readonly network: Network;
  readonly checks: Checks;
  readonly language: StoreLanguage;
}
