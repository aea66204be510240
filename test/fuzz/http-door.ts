/** The HTTP faces as doors: what every answer has to be, and what the group behind it must not suffer. */

import type * as fc from "fast-check";
import type { Door, Outcome, Target } from "./door.ts";
import { type Example, requestOf, type Sketch, sketches } from "./http-request.ts";
import { LiveGroup } from "./live-group.ts";

/** How one API tells of errors. */
export interface Face {
  readonly name: string;
  readonly weight: number;
  readonly examples: readonly Example[];
  /** What stands for `*` in the paths of examples. */
  readonly names: readonly string[];
  /** For requests that say nothing of it; null where the API has no such parameter. */
  readonly timeout: string | null;
  /** Throws for an answer that this API does not have. */
  judge(answer: Answer): Outcome;
}

export interface Answer {
  readonly request: Request;
  readonly status: number;
  readonly headers: Headers;
  /** Of a stream its first chunk alone. */
  readonly body: string;
  /** Whether the request has changed anything. */
  readonly hasEffect: boolean;
}

/** Nothing that is sent may take longer to be answered, but for what waits on purpose. */
const patienceMs = 300;
/** Nor may it keep the process busy for longer. */
const maxCpuMs = 3000;
/** Every so many inputs the group has to show that it serves. */
const checkEvery = 250;

export function httpDoor(face: Face): Door {
  return {
    name: face.name,
    weight: face.weight,
    inputsPerTarget: 2000,
    open: async () => {
      const target = new HttpTarget(face);
      await target.check();
      return target;
    },
  };
}

class HttpTarget implements Target<Sketch> {
  readonly inputs: fc.Arbitrary<Sketch>;
  private readonly face: Face;
  private readonly group = new LiveGroup();
  private taken = 0;

  constructor(face: Face) {
    this.face = face;
    this.inputs = sketches(face.examples, face.names);
  }

  async take(sketch: Sketch): Promise<Outcome> {
    const request = requestOf(sketch, this.face.timeout);
    if (request === null) return "unsent";
    this.taken += 1;
    const outcome = this.face.judge(await this.ask(request));
    this.group.assertWhole();
    if (this.taken % checkEvery === 0) await this.check();
    return outcome;
  }

  async check(): Promise<void> {
    await this.group.assertServing();
  }

  close(): void {
    this.group.close();
  }

  private async ask(request: Request): Promise<Answer> {
    const cpu = process.cpuUsage();
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(), patienceMs);
    try {
      const asked = new Request(request, { signal: leaving.signal });
      const { status, headers, body } = await this.answered(asked, leaving.signal);
      const { user, system } = process.cpuUsage(cpu);
      const cpuMs = (user + system) / 1000;
      if (cpuMs > maxCpuMs) throw new Error(`the answer took ${Math.round(cpuMs)} ms of work`);
      const hasEffect = this.group.hasEffect(this.taken);
      return { request, status, headers, body, hasEffect };
    } finally {
      clearTimeout(timer);
      leaving.abort();
    }
  }

  /** A client that has waited for so long goes away, as far as this one is concerned without an answer. */
  private async answered(request: Request, left: AbortSignal): Promise<Pick<Answer, "status" | "headers" | "body">> {
    const gone = new Promise<null>((resolve) => left.addEventListener("abort", () => resolve(null)));
    const response = await Promise.race([this.group.fetch(request, this.taken), gone]);
    if (response === null) return { status: 0, headers: new Headers(), body: "" };
    const { status, headers } = response;
    return { status, headers, body: await Promise.race([firstOf(response), gone.then(() => "")]) };
  }
}

/** The whole body, or of a stream what comes first. */
async function firstOf(response: Response): Promise<string> {
  const type = response.headers.get("content-type") ?? "";
  const isStream = type.startsWith("text/event-stream") || response.headers.get("content-encoding") === "identity";
  if (!isStream || response.body === null) return await response.text();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const first = await reader.read();
  await reader.cancel();
  return first.value === undefined ? "" : new TextDecoder().decode(first.value);
}
