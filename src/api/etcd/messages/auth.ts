/** The messages of etcd's Auth service, as far as they are read or sent here. */

import { message } from "../schema.ts";
import { responseHeader } from "./common.ts";

export const authenticateRequest = message("AuthenticateRequest", { name: "string", password: "string" });

export const authenticateResponse = message("AuthenticateResponse", { header: responseHeader, token: "string" });

export const authStatusResponse = message("AuthStatusResponse", {
  header: responseHeader,
  enabled: "bool",
  authRevision: "uint64",
});
