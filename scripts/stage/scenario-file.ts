/** A scenario as a file: comments, commands, and below each the trace of what it led to. */

import { Chronicle, logTable } from "./chronicle.ts";
import { perform, wordsOf } from "./commands.ts";
import { Stage } from "./stage.ts";

/** What stands between a command and its trace. */
const divider = "----";

/** A paragraph of the file: lines that tell the reader something, and a command with what was given to it, if there is one. */
interface Paragraph {
  readonly comments: readonly string[];
  readonly command: string | null;
  readonly input: readonly string[];
}

/** What the first line of a scenario says it is about. */
export function titleOf(text: string): string {
  return (text.split("\n")[0] ?? "").replace(/^# */, "");
}

/** The same scenario with the trace of the core as it is now; whatever trace it had is not looked at. */
export function replayFile(text: string): string {
  const chronicle = new Chronicle();
  const stage = new Stage(chronicle);
  const written = paragraphsOf(text).map(({ comments, command, input }) => {
    if (command === null) return comments.join("\n");
    const trace = run(stage, chronicle, command, input);
    return [...comments, command, ...input, divider, ...trace].join("\n");
  });
  return `${written.join("\n\n")}\n`;
}

function run(stage: Stage, chronicle: Chronicle, command: string, input: readonly string[]): readonly string[] {
  const { name, plain } = wordsOf(command);
  if (name === "logs") return logTable(stage, plain.length === 0 ? stage.ids : plain);
  perform(stage, command, input.join(" "));
  return chronicle.take();
}

function paragraphsOf(text: string): readonly Paragraph[] {
  return text
    .split(/\n\n+/)
    .map((paragraph) => paragraph.split("\n").filter((line) => line !== ""))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const comments = lines.filter((line) => line.startsWith("#"));
      const rest = lines.slice(comments.length);
      const end = rest.indexOf(divider);
      const [command = null, ...input] = end < 0 ? rest : rest.slice(0, end);
      return { comments, command, input };
    });
}
