/** Which resources the OpenAPI document describes, in the order in which it shows them. */

import { clusterDescription } from "./cluster.ts";
import { electionsDescription, leasesDescription, locksDescription } from "./coordination.ts";
import { kvDescription } from "./kv.ts";
import { membersDescription } from "./members.ts";
import { probesDescription, workerDescription } from "./probes.ts";
import { txnDescription } from "./txn.ts";
import { watchDescription } from "./watch.ts";
import type { ResourceDescription } from "./words.ts";

export const resources: readonly ResourceDescription[] = [
  kvDescription,
  txnDescription,
  watchDescription,
  leasesDescription,
  locksDescription,
  electionsDescription,
  clusterDescription,
  membersDescription,
  probesDescription,
  workerDescription,
];
