/** What wrangler.toml says, for running the same deployment on this machine. */

import { resolve } from "node:path";
import { unstable_readConfig } from "wrangler";
import { readMembers } from "../../src/env.ts";
import type { MemberSpecification } from "../../src/internal.ts";

/** The folder of package.json and wrangler.toml. */
export const projectPath = resolve(import.meta.dirname, "../..");

export interface Deployment {
  readonly name: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly members: readonly MemberSpecification[];
  /** `[vars]`, as the Worker's environment will hold them. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The part of Wrangler's configuration that is of use here; its own type names packages that it does not bring along. */
interface WranglerConfig {
  readonly name?: string;
  readonly compatibility_date?: string;
  readonly compatibility_flags?: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
}

export function readDeployment(): Deployment {
  const config = unstable_readConfig(
    { config: resolve(projectPath, "wrangler.toml") },
    { hideWarnings: true },
  ) as WranglerConfig;
  const { name, compatibility_date: compatibilityDate, vars: variables } = config;
  const { compatibility_flags: compatibilityFlags = [] } = config;
  if (name === undefined || compatibilityDate === undefined) {
    throw new Error("wrangler.toml needs a name and a compatibility_date");
  }
  const members = readMembers({ RAFT_MEMBERS: variables["RAFT_MEMBERS"] });
  return { name, compatibilityDate, compatibilityFlags, variables, members };
}

/** The voters `n1` to `n{count}`, all of them near each other. */
export function generateMembers(count: number): MemberSpecification[] {
  return Array.from({ length: count }, (_, position) => ({ id: `n${position + 1}`, role: "voter" }));
}
