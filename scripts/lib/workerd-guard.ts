/** Makes Miniflare run workerd through workerd-guard.sh, so that it never outlives this process. */

import { createRequire } from "node:module";
import { resolve } from "node:path";

/** To be called before Miniflare starts. Without a POSIX shell, workerd is left unguarded. */
export function guardWorkerd(): void {
  if (process.platform === "win32" || process.env["DURABLE_RAFT_WORKERD"] !== undefined) return;
  const requireFromMiniflare = createRequire(import.meta.resolve("miniflare"));
  const workerd = requireFromMiniflare("workerd") as { readonly default: string };
  process.env["DURABLE_RAFT_WORKERD"] = process.env["MINIFLARE_WORKERD_PATH"] ?? workerd.default;
  process.env["MINIFLARE_WORKERD_PATH"] = resolve(import.meta.dirname, "workerd-guard.sh");
}
