/** Prometheus' text format, as far as joining several nodes' texts takes it. */

interface Family {
  /** `# HELP` and `# TYPE`, which may appear once. */
  readonly comments: Map<string, string>;
  readonly samples: string[];
}

const comment = /^# (HELP|TYPE) (\S+)/;
const sampleName = /^[A-Za-z_:][A-Za-z0-9_:]*/;
/** What a histogram's or a summary's samples append to the name of their family. */
const suffix = /_(?:bucket|sum|count)$/;

/** One text of several: each family once, its samples together, as the format demands. */
export function mergeExpositions(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const text of texts) {
    for (const line of text.split("\n")) addLine(families, line);
  }
  const lines = [...families.values()].flatMap(({ comments, samples }) => [...comments.values(), ...samples]);
  return lines.map((line) => `${line}\n`).join("");
}

function addLine(families: Map<string, Family>, line: string): void {
  const [, kind, name] = comment.exec(line) ?? [];
  if (kind !== undefined && name !== undefined) {
    const { comments } = family(families, name);
    if (!comments.has(kind)) comments.set(kind, line);
    return;
  }
  const [sample] = sampleName.exec(line) ?? [];
  if (sample === undefined) return;
  const base = sample.replace(suffix, "");
  family(families, families.has(base) ? base : sample).samples.push(line);
}

function family(families: Map<string, Family>, name: string): Family {
  const known = families.get(name);
  if (known !== undefined) return known;
  const added: Family = { comments: new Map(), samples: [] };
  families.set(name, added);
  return added;
}
