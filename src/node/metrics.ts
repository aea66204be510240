/** Counters, gauges and histograms as Prometheus text (exposition format 0.0.4). */

export type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  lines(base: Labels): string[];
}

/** A set of metrics; all its samples carry the same base labels. */
export class MetricsRegistry {
  private readonly families: Family[] = [];

  counter(name: string, help: string): Counter {
    return this.add(new Counter(name, help));
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.add(new Histogram(name, help, bounds));
  }

  /** A value that is looked up when it is asked for. */
  observed(type: "counter" | "gauge", name: string, help: string, read: () => readonly Sample[]): void {
    this.add({
      name,
      help,
      type,
      lines: (base) => read().map(({ labels, value }) => line(name, { ...base, ...labels }, value)),
    });
  }

  text(base: Labels): string {
    return this.families
      .flatMap((family) => [
        `# HELP ${family.name} ${family.help}`,
        `# TYPE ${family.name} ${family.type}`,
        ...family.lines(base),
      ])
      .join("\n")
      .concat("\n");
  }

  private add<F extends Family>(family: F): F {
    this.families.push(family);
    return family;
  }
}

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export class Counter implements Family {
  readonly type = "counter";
  readonly name: string;
  readonly help: string;
  private readonly values = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  add(labels: Labels = {}, amount = 1): void {
    const key = JSON.stringify(labels);
    const known = this.values.get(key);
    if (known === undefined) this.values.set(key, { labels, value: amount });
    else known.value += amount;
  }

  lines(base: Labels): string[] {
    return [...this.values.values()].map(({ labels, value }) => line(this.name, { ...base, ...labels }, value));
  }
}

export class Histogram implements Family {
  readonly type = "histogram";
  readonly name: string;
  readonly help: string;
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private count = 0;
  private sum = 0;

  /** @param bounds the upper bounds of the buckets, rising */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.count += 1;
    this.sum += value;
    const bucket = this.bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
  }

  lines(base: Labels): string[] {
    let cumulative = 0;
    const buckets = this.bounds.map((bound, position) => {
      cumulative += this.counts[position] ?? 0;
      return line(`${this.name}_bucket`, { ...base, le: String(bound) }, cumulative);
    });
    return [
      ...buckets,
      line(`${this.name}_bucket`, { ...base, le: "+Inf" }, this.count),
      line(`${this.name}_sum`, base, this.sum),
      line(`${this.name}_count`, base, this.count),
    ];
  }
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
  return `${name}{${pairs.join(",")}} ${value}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
