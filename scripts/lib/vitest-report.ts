/** Counts tests in the report of vitest's reporter `json`. */

import { existsSync, readFileSync } from "node:fs";
import type { Tally } from "./tally.ts";

interface VitestReport {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * A file that failed to load, or whose hooks failed, is one failure beside its tests. So is a run that wrote no report,
 * ran nothing, or failed for a reason that no test tells.
 */
export function countTests(reportPath: string, exitCode: number): Tally {
  if (!existsSync(reportPath)) return { passed: 0, failed: 1 };
  const { testResults: files } = JSON.parse(readFileSync(reportPath, "utf8")) as VitestReport;
  const statuses = files.flatMap((file) => file.assertionResults.map((test) => test.status));
  const passed = statuses.filter((status) => status === "passed").length;
  const failedTests = statuses.filter((status) => status === "failed").length;
  const failedFiles = files.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failed = failedTests + failedFiles;
  const failedOtherwise = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: failedOtherwise ? 1 : failed };
}
