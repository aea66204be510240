/** Reads what a client wants of a group's members, from JSON. */

import { isIdentifier } from "../env.ts";
import type { RequestedChange } from "../membership.ts";
import { readBody } from "./body.ts";
import { ApiError } from "./errors.ts";

type Json = Readonly<Record<string, unknown>>;

/** An object never moves, so a mistyped region could not be corrected. Cloudflare's list, as of November 2026. */
const regions = "wnam, enam, sam, weur, eeur, apac, apac-ne, apac-se, oc, afr, me";
export const idRule = '1 to 64 of letters, digits, "_", "." and "-", beginning with a letter or digit';

/**
 * The body of `POST /cluster/members`. One node: `{"id", "role", "location_hint", "promote"}`, of which only the id is
 * needed: a voter is asked for, which first is a learner and becomes a voter by itself when it has caught up, unless
 * `"promote": false` asks for its vote at once. Or several changes that take effect together:
 * `{"changes": [{"add": {…}}, {"remove": "n3"}, {"promote": "n4"}, {"demote": "n2"}]}`, where an added voter votes at once
 * unless `"promote": true` says otherwise: that is how a node is replaced.
 */
export async function readChanges(request: Request): Promise<readonly RequestedChange[]> {
  const body = await readJson(request);
  if (!("changes" in body)) return [readAddition(body, true)];
  checkFields(body, ["changes"]);
  const { changes } = body;
  if (!Array.isArray(changes)) throw invalid("changes must be a list");
  return changes.map((change: unknown) => readChange(change, changes.length === 1));
}

/** An optional JSON object: nothing at all stands for an empty one. */
export async function readJson(request: Request): Promise<Json> {
  const text = new TextDecoder().decode(await readBody(request));
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // It is told below.
  }
  throw new ApiError("invalid_body", "The body must be a JSON object.");
}

/** Undefined unless given. */
export function readId(body: Json, name: string): string | undefined {
  const id = body[name];
  if (id === undefined) return undefined;
  if (typeof id === "string" && isIdentifier(id)) return id;
  throw invalid(`${name} must be ${idRule}`);
}

/** A field that is not known is refused rather than ignored: it would not do what was meant. */
export function checkFields(body: Json, known: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`The fields are ${known.join(", ")}, and not ${unknown.slice(0, 64)}`);
}

function readChange(change: unknown, alone: boolean): RequestedChange {
  const fields = isObject(change) ? Object.entries(change) : [];
  const [action, value] = fields[0] ?? [];
  if (!isObject(change) || fields.length !== 1) throw invalid("Each change is one of add, remove, promote and demote");
  switch (action) {
    case "add":
      if (!isObject(value)) throw invalid("add takes an object with an id");
      return readAddition(value, alone);
    case "remove":
    case "promote":
    case "demote":
      return { action, id: readId(change, action) ?? "" };
    default:
      throw invalid("Each change is one of add, remove, promote and demote");
  }
}

function readAddition(body: Json, promoteVoters: boolean): RequestedChange {
  checkFields(body, ["id", "role", "location_hint", "promote"]);
  const id = readId(body, "id");
  if (id === undefined) throw invalid("id is needed");
  const { role = "voter", location_hint: locationHint } = body;
  if (role !== "voter" && role !== "learner") throw invalid("role must be voter or learner");
  const { promote = promoteVoters && role === "voter" } = body;
  if (typeof promote !== "boolean") throw invalid("promote must be true or false");
  const addition = { action: "add", id, role, promote } as const;
  if (locationHint === undefined) return addition;
  if (typeof locationHint === "string" && regions.split(", ").includes(locationHint)) {
    return { ...addition, locationHint };
  }
  throw invalid(`location_hint must be one of ${regions}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(rule: string): ApiError {
  return new ApiError("invalid_body", `${rule}.`);
}
