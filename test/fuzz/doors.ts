/** All doors through which bad input may come. */

import type { Door } from "./door.ts";
import { etcdDoor } from "./etcd-door.ts";
import { framesDoor } from "./frames-door.ts";
import { internalDoor } from "./internal-door.ts";
import { coordinationDoor, restDoor } from "./rest-door.ts";
import { snapshotDoor } from "./snapshot-door.ts";

export const doors: readonly Door[] = [framesDoor, snapshotDoor, internalDoor, restDoor, coordinationDoor, etcdDoor];
