/** The messages of etcd's Maintenance service. */

import { enumeration, message, repeated } from "../schema.ts";
import { responseHeader } from "./common.ts";

const alarmType = enumeration("AlarmType", ["NONE", "NOSPACE", "CORRUPT"]);

export const alarmRequest = message("AlarmRequest", {
  action: enumeration("AlarmAction", ["GET", "ACTIVATE", "DEACTIVATE"]),
  memberID: "uint64",
  alarm: alarmType,
});

export const statusResponse = message("StatusResponse", {
  header: responseHeader,
  version: "string",
  dbSize: "int64",
  leader: "uint64",
  raftIndex: "uint64",
  raftTerm: "uint64",
  raftAppliedIndex: "uint64",
  errors: repeated("string"),
  dbSizeInUse: "int64",
  isLearner: "bool",
});

export const hashRequest = message("HashKVRequest", { revision: "int64" });

export const hashResponse = message("HashKVResponse", {
  header: responseHeader,
  hash: "uint32",
  compact_revision: "int64",
  hash_revision: "int64",
});

export const snapshotResponse = message("SnapshotResponse", {
  header: responseHeader,
  remaining_bytes: "uint64",
  blob: "bytes",
});

export const moveLeaderRequest = message("MoveLeaderRequest", { targetID: "uint64" });
