/** The calls between the Worker and the nodes as a door: what a node answers to callers of another version, or to nobody's. */

import * as fc from "fast-check";
import { maxBatchCommands } from "../../src/batch.ts";
import { internalHeader, internalOrigin, internalPath, refusalStatus } from "../../src/internal.ts";
import { encodeCommand } from "../../src/kv/command-codec.ts";
import { encodeQuery } from "../../src/kv/query-codec.ts";
import { decodeResult } from "../../src/kv/result-codec.ts";
import { encodeWatchRequest } from "../../src/kv/watch-codec.ts";
import { encodeParts } from "../../src/parts.ts";
import * as records from "../kv/record-arbitraries.ts";
import { byteChange, changeBytes } from "./change-bytes.ts";
import { changeJson, jsonChange } from "./change-json.ts";
import { unfitForClients } from "./documented-errors.ts";
import type { Door, Outcome, Target } from "./door.ts";
import { LiveGroup } from "./live-group.ts";

interface Call {
  readonly path: string;
  readonly body: Uint8Array;
}

const spoilt = (bodies: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.tuple(bodies, fc.array(byteChange, { maxLength: 3 })).map(([body, changes]) => changeBytes(body, changes));
const json = (...documents: readonly unknown[]): fc.Arbitrary<Uint8Array> =>
  spoilt(
    fc
      .tuple(fc.constantFrom(...documents), fc.array(jsonChange, { maxLength: 3 }))
      .map(([document, changes]) => new TextEncoder().encode(changeJson(document, changes))),
  );
const call = (path: string, body: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Call> =>
  body.map((bytes) => ({ path, body: bytes }));

const commands = records.command.map(encodeCommand);
const batches = fc.oneof(
  fc.array(commands, { maxLength: 5 }),
  commands.map((command) => Array<Uint8Array>(maxBatchCommands + 1).fill(command)),
);
const changesOfMembers = [
  { changes: [{ action: "promote", id: "n1" }], force: false },
  { changes: [{ action: "add", id: "n2", role: "voter", promote: true, locationHint: "weur" }], force: false },
  {
    changes: [
      { action: "remove", id: "n7" },
      { action: "demote", id: "n8" },
    ],
    force: false,
  },
];
const joining = {
  groupId: "f00d",
  first: { voters: ["n1", "n2", "n3"], learners: [] },
  storageIds: { n1: "a", n2: "b" },
  appliedIndex: 5,
  force: false,
};

const calls: fc.Arbitrary<Call> = fc.oneof(
  { weight: 6, arbitrary: call(internalPath.propose, spoilt(commands)) },
  { weight: 2, arbitrary: call(internalPath.proposeAll, spoilt(batches.map(encodeParts))) },
  { weight: 6, arbitrary: call(internalPath.query, spoilt(records.query.map(encodeQuery))) },
  { weight: 3, arbitrary: call(internalPath.subscribe, spoilt(records.watchRequest.map(encodeWatchRequest))) },
  { weight: 2, arbitrary: call(internalPath.members, json(...changesOfMembers)) },
  { weight: 1, arbitrary: call(internalPath.transfer, json({ to: "n9" }, { to: "n1 " })) },
  { weight: 2, arbitrary: call(internalPath.join, json(joining)) },
  { weight: 1, arbitrary: call(internalPath.recover, json({ node: "n1", confirm: "the majority is gone" })) },
  { weight: 1, arbitrary: call(internalPath.raft, fc.uint8Array({ maxLength: 30 })) },
  { weight: 1, arbitrary: call(internalPath.snapshot, fc.uint8Array({ maxLength: 30 })) },
  { weight: 1, arbitrary: call(internalPath.confirm, fc.uint8Array({ maxLength: 30 })) },
  { weight: 1, arbitrary: call(internalPath.status, fc.constant(new Uint8Array(0))) },
  { weight: 1, arbitrary: fc.record({ path: fc.constantFrom("", "/", "/raft/", "/x?y"), body: fc.uint8Array() }) },
);

const oddHeaders = ["", "0", "-1", "NaN", "1e400", "9".repeat(40), "stale", "linearizable", "default", "n2", "@@", "ä"];
const inputs = fc.record({
  to: fc.constantFrom("leader", "leader", "default/n2", "default/n3"),
  call: calls,
  headers: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(fc.constantFrom(...Object.values(internalHeader)), fc.constantFrom(...oddHeaders)), {
        maxLength: 2,
      }),
    },
  ),
});
type Input = typeof inputs extends fc.Arbitrary<infer Value> ? Value : never;

const patienceMs = 400;
const checkEvery = 250;
/** An object that is no member, as those are which are asked to join. */
const newcomer = "default/n9";

export const internalDoor: Door = {
  name: "internal",
  weight: 1,
  inputsPerTarget: 3000,
  open: async () => {
    const target = new InternalTarget();
    await target.check();
    return target;
  },
};

class InternalTarget implements Target<Input> {
  readonly inputs = inputs;
  private readonly group = new LiveGroup();
  private taken = 0;

  async take({ to, call: { path, body }, headers }: Input): Promise<Outcome> {
    this.taken += 1;
    const name = path === internalPath.join ? newcomer : to === "leader" ? this.group.leader : to;
    const [group = "", node = ""] = name.split("/");
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(), patienceMs);
    try {
      const init = { method: "POST", body: Uint8Array.from(body), signal: leaving.signal };
      const request = new Request(`${internalOrigin}${path}`, init);
      const named = { [internalHeader.group]: group, [internalHeader.node]: node, [internalHeader.timeoutMs]: "200" };
      for (const [header, value] of [...Object.entries(named), ...headers]) request.headers.set(header, value);
      const outcome = await this.judge(path, await this.group.call(name, request, this.taken));
      this.group.assertWhole();
      if (this.taken % checkEvery === 0) await this.check();
      return outcome;
    } finally {
      clearTimeout(timer);
      leaving.abort();
    }
  }

  async check(): Promise<void> {
    await this.group.assertServing();
  }

  close(): void {
    this.group.close();
  }

  private async judge(path: string, response: Response): Promise<Outcome> {
    if (response.status === 200) return await this.judgeAnswer(path, response);
    const refusal: Readonly<Record<string, unknown>> = await response.json();
    const { code, message, ambiguous } = refusal;
    if (response.status !== refusalStatus || typeof code !== "string" || typeof ambiguous !== "boolean") {
      throw new Error(`HTTP ${response.status}: ${JSON.stringify(refusal)}`);
    }
    if (typeof message !== "string") throw new Error("a refusal without words");
    if (unfitForClients.test(message)) throw new Error(`not for callers: ${message}`);
    if (!ambiguous && this.group.hasEffect(this.taken)) throw new Error(`${code}, and something has changed`);
    return "refused";
  }

  private async judgeAnswer(path: string, response: Response): Promise<Outcome> {
    if (path === internalPath.subscribe) {
      await response.body?.cancel();
      return "accepted";
    }
    const answer = new Uint8Array(await response.arrayBuffer());
    if (path !== internalPath.propose) return "accepted";
    const result = decodeResult(answer);
    if (result === undefined) throw new Error("a result that is none");
    if (result.status !== "refused") return "accepted";
    if (this.group.hasEffect(this.taken)) throw new Error(`${result.refusal.reason}, and something has changed`);
    return "refused";
  }
}
