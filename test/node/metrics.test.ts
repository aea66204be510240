/** Metrics as Prometheus reads them (exposition format 0.0.4). */

import { describe, expect, test } from "vitest";
import { MetricsRegistry } from "../../src/node/metrics.ts";

function linesOf(registry: MetricsRegistry, base: Readonly<Record<string, string>> = {}): string[] {
  return registry.text(base).split("\n");
}

describe("a counter", () => {
  test("adds up by labels, which come after those of the node", () => {
    const registry = new MetricsRegistry();
    const calls = registry.counter("calls_total", "Calls.");
    calls.add({ peer: "n2", result: "ok" });
    calls.add({ peer: "n3", result: "ok" }, 4);
    calls.add({ peer: "n2", result: "ok" }, 2);
    expect(linesOf(registry, { group: "g", node: "n1" })).toEqual([
      "# HELP calls_total Calls.",
      "# TYPE calls_total counter",
      'calls_total{group="g",node="n1",peer="n2",result="ok"} 3',
      'calls_total{group="g",node="n1",peer="n3",result="ok"} 4',
      "",
    ]);
  });

  test("that has counted nothing is announced", () => {
    const registry = new MetricsRegistry();
    registry.counter("calls_total", "Calls.");
    expect(linesOf(registry)).toEqual(["# HELP calls_total Calls.", "# TYPE calls_total counter", ""]);
  });
});

test("a looked-up value is that of the moment when it is asked for", () => {
  const registry = new MetricsRegistry();
  let term = 1;
  registry.observed("gauge", "term", "The term.", () => [{ value: term }]);
  registry.observed("gauge", "role", "The role.", () => [
    { labels: { role: "leader" }, value: 1 },
    { labels: { role: "follower" }, value: 0 },
  ]);
  term = 7;
  expect(linesOf(registry, { node: "n1" })).toEqual([
    "# HELP term The term.",
    "# TYPE term gauge",
    'term{node="n1"} 7',
    "# HELP role The role.",
    "# TYPE role gauge",
    'role{node="n1",role="leader"} 1',
    'role{node="n1",role="follower"} 0',
    "",
  ]);
});

test("the text of a label is escaped", () => {
  const registry = new MetricsRegistry();
  registry.counter("calls_total", "Calls.").add({ peer: 'a"b\\c\nd' });
  expect(linesOf(registry)[2]).toBe(String.raw`calls_total{peer="a\"b\\c\nd"} 1`);
});

describe("a histogram", () => {
  test("counts each value in all buckets that hold it, to the last, and sums up", () => {
    const registry = new MetricsRegistry();
    const seconds = registry.histogram("seconds", "How long.", [0.1, 1, 10]);
    for (const value of [0.05, 0.1, 0.5, 1.5, 20]) seconds.observe(value);
    expect(linesOf(registry, { node: "n1" })).toEqual([
      "# HELP seconds How long.",
      "# TYPE seconds histogram",
      'seconds_bucket{node="n1",le="0.1"} 2',
      'seconds_bucket{node="n1",le="1"} 3',
      'seconds_bucket{node="n1",le="10"} 4',
      'seconds_bucket{node="n1",le="+Inf"} 5',
      'seconds_sum{node="n1"} 22.15',
      'seconds_count{node="n1"} 5',
      "",
    ]);
  });

  test("that has seen nothing has empty buckets", () => {
    const registry = new MetricsRegistry();
    registry.histogram("seconds", "How long.", [1]);
    expect(linesOf(registry).slice(2)).toEqual([
      'seconds_bucket{le="1"} 0',
      'seconds_bucket{le="+Inf"} 0',
      "seconds_sum{} 0",
      "seconds_count{} 0",
      "",
    ]);
  });
});
