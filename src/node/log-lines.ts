/** The structured log: one JSON object a line, for changes of role and membership and for calls to peers that begin or cease to fail. */

export interface LogLine {
  readonly event:
    | "role"
    | "snapshot"
    | "peer"
    | "abort"
    | "configuration"
    | "standing"
    | "transfer"
    | "refused"
    | "recovery"
    | "start_failed";
  readonly group: string;
  readonly node: string;
  readonly [field: string]: string | number | null;
}

export function log(line: LogLine): void {
  // Workers Logs takes what is printed and indexes the fields of JSON lines.
  console.log(JSON.stringify(line));
}
