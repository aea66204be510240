/** Which tests run where: plain Node, inside workerd, or against a whole local cluster. */

import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Files that run in workerd mostly wait: also two cores have use for two files at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/workerd/**", "test/e2e/**"],
          environment: "node",
          // A bound for what hangs, not for what is slow on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            // The shipped Worker, with nodes that obey faults.
            main: "./test/workerd/worker.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              durableObjects: {
                GATE: { className: "Gate", useSQLite: true },
                SINK: { className: "Sink", useSQLite: true },
                NUMBERS: { className: "NumberNode", useSQLite: true },
                TIMERS: { className: "TimerNode", useSQLite: true },
              },
            },
          }),
        ],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          environment: "node",
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
