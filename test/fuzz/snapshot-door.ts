/** The stream of a snapshot as a door: pages that are spoilt, mixed up, sent twice or out of order, and wrong about themselves. */

import * as fc from "fast-check";
import { internalPath } from "../../src/internal.ts";
import { addPage, emptyChecksum } from "../../src/node/checksum.ts";
import { decodePartAnswer, encodePart, type PartResult, type SnapshotPart } from "../../src/node/snapshot-part.ts";
import { storeTables } from "../../src/kv/store/schema.ts";
import type { Sql } from "../../src/machine.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { InstallSnapshot } from "../../src/raft/message.ts";
import { byteChange, type ByteChange, changeBytes } from "./change-bytes.ts";
import type { Door, Outcome, Target } from "./door.ts";
import { frameOf, type Truth } from "./frame-sketch.ts";
import { LoneNode } from "./lone-node.ts";
import { judged } from "./peer-answer.ts";
import { makeSource, snapshot, type Source } from "./snapshot-source.ts";
import { hashTables } from "./table-hash.ts";

interface Step {
  /** How many pages behind the last one that was taken: 1 for the next. */
  readonly ahead: number;
  readonly cutId: string;
  /** Added to the page's number. */
  readonly off: number;
  /** Whether it claims to be the last, where it is not, or the other way round. */
  readonly wrongEnd: boolean;
  readonly pageChanges: readonly ByteChange[];
  /** Whether the checksum is that of the page as it was spoilt: its sender is wrong, not the line. */
  readonly isLie: boolean;
  readonly message: {
    readonly term: number;
    readonly index: number;
    readonly logTerm: number;
    readonly voters: boolean;
  };
  /** What happens to the whole on its way. */
  readonly partChanges: readonly ByteChange[];
}

const usually = <Value>(value: Value, others: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: others });
const changes = fc.array(byteChange, { minLength: 1, maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.record({
  ahead: usually(1, fc.integer({ min: -2, max: 4 })),
  cutId: usually("cut", fc.constantFrom("", "another", "ä\u0000")),
  off: usually(0, fc.constantFrom(-1, 1, 2 ** 32)),
  wrongEnd: usually(false, fc.constant(true)),
  pageChanges: usually([], changes),
  isLie: fc.boolean(),
  message: usually(
    { term: 2, index: snapshot.index, logTerm: 2, voters: true },
    fc.record({
      term: fc.constantFrom(0, 1, 2, 3, 2 ** 53 - 1),
      index: fc.constantFrom(0, 9, 12, 40, 41, 2 ** 53 - 1),
      logTerm: fc.constantFrom(0, 2, 3),
      voters: fc.boolean(),
    }),
  ),
  partChanges: usually([], changes),
});
const steps = fc.oneof(
  { weight: 3, arbitrary: fc.array(step, { minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: fc.array(step, { minLength: 20, maxLength: 40 }) },
);

export const snapshotDoor: Door = {
  name: "snapshot",
  weight: 1,
  inputsPerTarget: 10_000,
  open: async () => {
    const node = await LoneNode.make("follower");
    await node.commitAll();
    const committedHash = hashTables(node.object.sql);
    await node.renew();
    return new SnapshotTarget(node, committedHash);
  },
};

class SnapshotTarget implements Target<readonly Step[]> {
  readonly inputs = steps;
  private readonly node: LoneNode;
  private readonly source: Source;
  private readonly sourceHash: string;
  private readonly ownHash: string;
  private readonly committedHash: string;

  /** @param committedHash what its tables hold once all of its own log is committed */
  constructor(node: LoneNode, committedHash: string) {
    this.node = node;
    this.committedHash = committedHash;
    this.source = makeSource();
    this.sourceHash = hashTables(this.source.sql);
    this.ownHash = hashTables(node.object.sql);
  }

  async take(given: readonly Step[]): Promise<Outcome> {
    try {
      return await this.receive(given);
    } finally {
      await this.node.renew();
    }
  }

  private async receive(given: readonly Step[]): Promise<Outcome> {
    const stream = new Stream(this.source, this.node.truth);
    let outcome: Outcome = "refused";
    for (const one of given) {
      const part = stream.part(one);
      // What a liar's state would do to this node is not asked: it ends before.
      if (stream.hasLies && part.page.done) break;
      const ended = await this.send(part, one.partChanges, stream);
      if (ended === "accepted") outcome = ended;
      if (ended === "undone") break;
    }
    this.checkState(stream);
    return outcome;
  }

  check(): Promise<void> {
    if (hashTables(this.node.object.sql) !== this.ownHash) throw new Error("the state is another one");
    return Promise.resolve();
  }

  close(): void {
    this.node.close();
    this.source.sql.close();
  }

  /**
   * It is the node's own, or the whole of the other one. A state of which the node has all entries tells it no more than that
   * these are committed.
   */
  private checkState({ installed }: Stream): void {
    const hash = hashTables(this.node.object.sql);
    if (hash === this.committedHash && installed) return;
    if (hash !== this.ownHash && hash !== this.sourceHash) throw new Error("the state is nobody's");
    if (hash === this.sourceHash && !installed) throw new Error("installed without a word");
  }

  private async send(part: SnapshotPart, changed: readonly ByteChange[], stream: Stream): Promise<Outcome> {
    const { object } = this.node;
    const bytes = changeBytes(encodePart(stream.frame(part.message), part), changed);
    const before = stagedOf(object.sql);
    let result: PartResult = "refused";
    const outcome = await judged(this.node, internalPath.snapshot, bytes, (answer) => {
      const { answer: said } = decodePartAnswer(answer);
      result = said.result;
      if (result === "refused") checkRefused(before, stagedOf(object.sql), said.detail);
      if (result === "corrupt") stream.restart();
      else stream.taken = said.sequence;
    });
    if (outcome === "undone") return outcome;
    if ((result as PartResult) === "installed") stream.installed = true;
    return result === "refused" || result === "corrupt" ? "refused" : "accepted";
  }
}

interface Staged {
  readonly cutId: string;
  readonly sequence: number;
  readonly rows: number;
}

/** What is here of a state that is being received; null when nothing is. */
function stagedOf(sql: Sql): Staged | null {
  const [row] = sql.exec<{ cut_id: string; sequence: number }>("SELECT cut_id, sequence FROM raft_staging").toArray();
  if (row === undefined) return null;
  const counts = storeTables.map((table) => `(SELECT count(*) FROM raft_staged_${table})`);
  const [{ rows } = { rows: 0 }] = sql.exec<{ rows: number }>(`SELECT ${counts.join(" + ")} AS rows`).toArray();
  return { cutId: row.cut_id, sequence: row.sequence, rows };
}

/** Another state may have been begun; of the one that was being received nothing is lost or added. */
function checkRefused(before: Staged | null, after: Staged | null, detail: string): void {
  if (before?.cutId !== after?.cutId && after?.rows === 0) return;
  if (before?.rows === after?.rows && before?.sequence === after?.sequence) return;
  throw new Error(`refused, and staged: ${detail}`);
}

/** The sender's side. */
class Stream {
  /** How many pages the receiver has. */
  taken = 0;
  installed = false;
  hasLies = false;
  private readonly source: Source;
  private readonly truth: Truth;
  private checksums = [emptyChecksum];

  constructor(source: Source, truth: Truth) {
    this.source = source;
    this.truth = truth;
  }

  /** The receiver has thrown all of it away. */
  restart(): void {
    this.taken = 0;
    this.hasLies = false;
    this.checksums = [emptyChecksum];
  }

  frame(message: InstallSnapshot) {
    const ends = { from: "n2", to: "n1", groupId: null, storageId: null, toStorageId: null, incarnation: 1 };
    return { ...frameOf({ ...ends, messages: [] }, this.truth), messages: [message] };
  }

  part({ ahead, cutId, off, wrongEnd, pageChanges, isLie, message }: Step): SnapshotPart {
    const sequence = Math.min(Math.max(0, this.taken + ahead - 1), this.source.pages.length - 1);
    const page = this.source.pages[sequence] ?? { bytes: new Uint8Array(0), done: false };
    const spoilt = changeBytes(page.bytes, pageChanges);
    const before = this.checksums[sequence] ?? emptyChecksum;
    const done = page.done !== wrongEnd;
    const checksum = addPage(before, isLie ? { bytes: spoilt, done } : page);
    this.checksums[sequence + 1] = checksum;
    // Whoever ends too early has sent another state than the one that it was.
    if (isLie && (pageChanges.length > 0 || wrongEnd)) this.hasLies = true;
    return {
      message: this.message(message),
      cutId,
      sequence: Math.max(0, sequence + off),
      checksum,
      page: { bytes: spoilt, done },
    };
  }

  private message({ term, index, logTerm, voters }: Step["message"]): InstallSnapshot {
    const configuration = voters ? snapshot.configuration : simpleConfiguration(["n2"], ["n3"]);
    const point = { ...snapshot, index, term: logTerm, configuration };
    return { type: "installSnapshot", from: "n2", to: "n1", term, round: 3, snapshot: point };
  }
}
