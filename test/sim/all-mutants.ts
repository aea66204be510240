/** All bugs that are made on purpose, in one table. */

import { leaseMutants } from "./lease-mutants.ts";
import { memberMutants } from "./member-mutants.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { snapshotMutants } from "./snapshot-mutants.ts";
import { storeMutants } from "./store-mutants.ts";
import { timeMutants } from "./time-mutants.ts";
import { expiryAndWatchMutants } from "./expiry-and-watch-mutants.ts";

export const allMutants: readonly Mutant[] = [
  ...mutants,
  ...leaseMutants,
  ...snapshotMutants,
  ...memberMutants,
  ...timeMutants,
  ...storeMutants,
  ...expiryAndWatchMutants,
];
