/** Which tests run where: plain Node, inside workerd, or against a whole local cluster. */

import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/workerd/**", "test/e2e/**"],
          environment: "node",
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
