/** The table and the verdict that the benchmark prints. */

import type { Figures } from "./statistics.ts";

export interface Row {
  readonly operation: string;
  readonly connections: number;
  readonly raft: Figures;
  readonly plain: Figures;
  readonly none: Figures;
}

/** What writes are to reach, against one plain object. */
export const aims = { leastRateRatio: 1, atConnections: 128, mostLatencyRatio: 2.5 } as const;

const titles = {
  raft: "durable-raft",
  plain: "one plain object",
  none: "no object",
} as const;

const [nameWidth, columnWidth] = [10, 10];

export function formatTable(rows: readonly Row[]): string {
  const groups = Object.values(titles).map((title) => title.padStart(3 * columnWidth));
  const header = `${" ".repeat(nameWidth + columnWidth)}${groups.join("")}${"raft / plain".padStart(2 * columnWidth)}`;
  const units = ["", "conns", ...Object.values(titles).flatMap(() => ["req/s", "median", "p99"]), "rate", "median"];
  const lines = rows.map(({ operation, connections, raft, plain, none }) => [
    operation,
    String(connections),
    ...[raft, plain, none].flatMap(formatFigures),
    `${rateRatio(raft, plain).toFixed(2)}x`,
    `${latencyRatio(raft, plain).toFixed(2)}x`,
  ]);
  return [header, ...[units, ...lines].map(formatLine)].join("\n");
}

/** Judges the writes of every size; the worst counts. */
export function formatVerdict(rows: readonly Row[]): string {
  const writes = rows.filter((row) => row.operation.startsWith("PUT"));
  const busy = writes.filter((row) => row.connections === aims.atConnections);
  const single = writes.filter((row) => row.connections === 1);
  const rate = Math.min(...busy.map((row) => rateRatio(row.raft, row.plain)));
  const latency = Math.max(...single.map((row) => latencyRatio(row.raft, row.plain)));
  const judge = (met: boolean): string => (met ? "met" : "missed");
  return [
    `PUT at ${aims.atConnections} connections: ${rate.toFixed(2)} of the plain object's rate`,
    `(aim: ${aims.leastRateRatio.toFixed(1)}, ${judge(rate >= aims.leastRateRatio)});`,
    `one connection's median: ${latency.toFixed(2)} times its latency`,
    `(aim: ${aims.mostLatencyRatio}, ${judge(latency <= aims.mostLatencyRatio)})`,
  ].join(" ");
}

/** What would make the figures worth less than they seem. */
export function formatDoubts(rows: readonly Row[]): string[] {
  return rows.flatMap(({ operation, connections, ...variants }) =>
    (["raft", "plain", "none"] as const).flatMap((variant) => {
      const { failures, generatorLoad } = variants[variant];
      const cell = `${titles[variant]}, ${operation} at ${connections}`;
      return [
        ...(failures > 0 ? [`${cell}: ${failures} requests failed`] : []),
        ...(generatorLoad > 0.95 ? [`${cell}: the load generator used all of its core`] : []),
      ];
    }),
  );
}

function rateRatio(measured: Figures, base: Figures): number {
  return measured.requestsPerSecond / base.requestsPerSecond;
}

function latencyRatio(measured: Figures, base: Figures): number {
  return measured.medianMs / base.medianMs;
}

function formatFigures({ requestsPerSecond, medianMs, p99Ms }: Figures): string[] {
  return [Math.round(requestsPerSecond).toLocaleString("en"), formatMs(medianMs), formatMs(p99Ms)];
}

function formatMs(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

function formatLine([name = "", ...numbers]: readonly string[]): string {
  return `${name.padEnd(nameWidth)}${numbers.map((cell) => cell.padStart(columnWidth)).join("")}`;
}
