/** Which resources the OpenAPI document describes, in the order in which it shows them. */

import { clusterDescription } from "./cluster.ts";
import { kvDescription } from "./kv.ts";
import { membersDescription } from "./members.ts";
import { groupProbesDescription, rootProbesDescription } from "./probes.ts";
import type { ResourceDescription } from "./words.ts";

export const resources: readonly ResourceDescription[] = [
  kvDescription,
  clusterDescription,
  membersDescription,
  groupProbesDescription,
  rootProbesDescription,
];
