/** The variables that keep Wrangler and its kin from phoning home, advertising and logging where nobody asked. */

import { resolve } from "node:path";
import { projectPath } from "./deployment.ts";

export const quietEnvironment: Readonly<Record<string, string>> = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  DO_NOT_TRACK: "1",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG_PATH: resolve(projectPath, ".wrangler/logs"),
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
};
