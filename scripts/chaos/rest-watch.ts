/** A watch over this project's own HTTP API: server-sent events. */

import { request } from "undici";
import { nameIn } from "./face.ts";
import { split } from "./watch-face.ts";
import type { Told, WatchFace } from "./watch-face.ts";

export const restWatch: WatchFace = {
  name: "REST",

  async *open(url, position, signal) {
    const headers = position === null ? {} : { "last-event-id": position };
    const { statusCode, body } = await request(`${url}/v1/watch?progress=1s&timeout=2s`, { headers, signal });
    if (statusCode !== 200) {
      if ((await body.text()).includes('"compacted"')) yield { kind: "compacted" };
      return;
    }
    for await (const text of split(body, "\n\n")) yield toldBy(text);
  },
};

interface Data {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: number;
  readonly revision: number;
}

function toldBy(text: string): Told {
  const fields = new Map(
    text.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
  );
  const position = fields.get("id") ?? "";
  const { key, value = "", mod_revision: modRevision, revision } = JSON.parse(fields.get("data") ?? "{}") as Data;
  switch (fields.get("event")) {
    case "created":
      return { kind: "created", revision: Number(position) };
    case "progress":
      return { kind: "progress", revision, position };
    case "put":
      return told({ revision: modRevision, key, value: nameIn(value) }, position);
    case "delete":
      return told({ revision: modRevision, key, value: null }, position);
    case "compacted":
      return { kind: "compacted" };
    default:
      return { kind: "nothing" };
  }
}

function told(event: Extract<Told, { kind: "event" }>["event"], position: string): Told {
  // An id without a part is behind all of its revision.
  return { kind: "event", event, position, isWhole: /^\d+$/.test(position) };
}
