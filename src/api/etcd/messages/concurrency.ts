/** The messages of etcd's Lock and Election services. */

import { message } from "../schema.ts";
import { keyValue, responseHeader } from "./common.ts";

export const lockRequest = message("LockRequest", { name: "bytes", lease: "int64" });

export const lockResponse = message("LockResponse", { header: responseHeader, key: "bytes" });

export const unlockRequest = message("UnlockRequest", { key: "bytes" });

/** What a leader holds, and shows whenever it speaks as one. */
const leaderKey = message("LeaderKey", { name: "bytes", key: "bytes", rev: "int64", lease: "int64" });

export const campaignRequest = message("CampaignRequest", { name: "bytes", lease: "int64", value: "bytes" });

export const campaignResponse = message("CampaignResponse", { header: responseHeader, leader: leaderKey });

export const leaderRequest = message("LeaderRequest", { name: "bytes" });

export const leaderResponse = message("LeaderResponse", { header: responseHeader, kv: keyValue });

export const proclaimRequest = message("ProclaimRequest", { leader: leaderKey, value: "bytes" });

export const resignRequest = message("ResignRequest", { leader: leaderKey });
