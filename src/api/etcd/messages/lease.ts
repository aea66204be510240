/** The messages of etcd's Lease service. */

import { message, repeated } from "../schema.ts";
import { responseHeader } from "./common.ts";

export const leaseGrantRequest = message("LeaseGrantRequest", { TTL: "int64", ID: "int64" });

export const leaseGrantResponse = message("LeaseGrantResponse", {
  header: responseHeader,
  ID: "int64",
  TTL: "int64",
});

export const leaseRequest = message("LeaseRequest", { ID: "int64" });

export const leaseKeepAliveResponse = message("LeaseKeepAliveResponse", {
  header: responseHeader,
  ID: "int64",
  TTL: "int64",
});

export const leaseTimeToLiveRequest = message("LeaseTimeToLiveRequest", { ID: "int64", keys: "bool" });

export const leaseTimeToLiveResponse = message("LeaseTimeToLiveResponse", {
  header: responseHeader,
  ID: "int64",
  TTL: "int64",
  grantedTTL: "int64",
  keys: repeated("bytes"),
});

export const leaseLeasesResponse = message("LeaseLeasesResponse", {
  header: responseHeader,
  leases: repeated(message("LeaseStatus", { ID: "int64" })),
});
