/** The errors that docs/api.md tells of: each code with the status that goes with it. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/api.md"), "utf8");
const row = /^\| (?<status>\d{3}) +\| (?<codes>`\w+`(?:, `\w+`)*) +\|/gm;

/** Read from the tables of the page, so that what is not told there is a mistake. */
export const documentedStatus: ReadonlyMap<string, number> = new Map(
  [...page.matchAll(row)].flatMap(({ groups }) =>
    [...(groups?.["codes"] ?? "").matchAll(/\w+/g)].map(([code]) => [code, Number(groups?.["status"])] as const),
  ),
);

/** No stack, no path and no text of a program is for clients. */
export const unfitForClients = /\bat \S+ \(|\.ts:\d|\bundefined\b|\[object |SQLITE|\bNaN\b/;
