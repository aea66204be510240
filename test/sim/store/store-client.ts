/** A client of the whole key-value store: transactions, lists, leases, sessions and compactions. */

import { decodeAnswer } from "../../../src/kv/answer-codec.ts";
import { encodeCommand } from "../../../src/kv/command-codec.ts";
import type { CommandResult, Item, Query } from "../../../src/kv/model.ts";
import { encodeQuery } from "../../../src/kv/query-codec.ts";
import { decodeResult } from "../../../src/kv/result-codec.ts";
import { text } from "../../kv/store/requests.ts";
import { type Answer, Caller } from "../caller.ts";
import type { StoreOracle } from "../check/store-oracle.ts";
import { type History, isWriteKind, type Operation, type OperationKind } from "../history.ts";
import type { Instance } from "../instance.ts";
import type { SimulatedNode } from "../simulated-node.ts";
import type { Setup } from "../setup.ts";
import { type Drawn, fingerprinted, type Lore, RequestDrawer } from "./draw-requests.ts";
import { answerOf, readingOf, type StoreHistory } from "./store-history.ts";

const readKinds: readonly OperationKind[] = ["read", "read", "read", "stale read", "bounded read", "session read"];

interface Errand {
  readonly bytes: Uint8Array;
  readonly query: Drawn<Query> | null;
  /** How it looks to the checker of linearizability; null for what that is not shown. */
  readonly seen: ReturnType<StoreHistory["begin"]> | null;
}

export class StoreClient extends Caller {
  private readonly oracle: StoreOracle;
  private readonly shared: StoreHistory;
  private readonly drawer: RequestDrawer;
  private readonly lore: Lore = { revision: 1, modRevisions: new Map(), leases: [], session: "" };
  private errand: Errand | null = null;

  constructor(id: string, setup: Setup, nodes: readonly SimulatedNode[], history: History, shared: StoreHistory) {
    super(id, setup, nodes, history);
    const { checks, settings, random } = setup;
    if (checks.store === null || settings.store === null) throw new Error("nobody uses all of the store");
    this.oracle = checks.store;
    this.shared = shared;
    this.drawer = new RequestDrawer(random.clients, settings.store, this.lore, settings.clients.valueBytes);
  }

  protected override beginByChance(mustBeIdempotent: boolean): void {
    const { random, settings } = this.setup;
    if (random.clients.chance(0.45)) this.beginQuery(random.clients.pick(readKinds));
    else this.beginCommand(mustBeIdempotent || random.clients.chance(settings.clients.idempotentRate));
  }

  protected override requestFor(operation: Operation, answer: Answer): (instance: Instance) => void {
    const { errand } = this;
    if (errand === null) throw new Error("there is nothing to ask");
    return errand.query === null
      ? this.request(operation, errand, answer)
      : this.question(operation, errand, errand.query.asked, answer);
  }

  protected override ended({ state, kind }: Operation): void {
    const seen = this.errand?.seen ?? null;
    if (seen !== null && (state === "refused" || (state !== "done" && !isWriteKind(kind)))) seen.refused = true;
    this.errand = null;
  }

  private beginCommand(idempotent: boolean): void {
    const name = `${this.id}.${this.nextNumber}`;
    const { asked: body, call } = this.drawer.command(name);
    // Who uses a session uses it for everything.
    const command = idempotent ? fingerprinted(body, name, this.lore.session) : { body, idempotency: null };
    const operation = this.open("write", body.kind, idempotent);
    const seen = call === null ? null : this.shared.begin(this.id, call, operation.invokedAtMs);
    this.errand = { bytes: encodeCommand(command), query: null, seen };
    this.setup.world.count(`asked ${body.kind}`);
    this.attempt(operation);
  }

  private beginQuery(kind: OperationKind): void {
    const query = this.drawer.query();
    const operation = this.open(kind, query.asked.kind, true);
    const call = kind === "read" ? query.call : null;
    const seen = call === null ? null : this.shared.begin(this.id, call, operation.invokedAtMs);
    this.errand = { bytes: encodeQuery(query.asked), query, seen };
    this.setup.world.count(`asked ${query.asked.kind}`);
    this.attempt(operation);
  }

  private request(operation: Operation, { bytes, seen }: Errand, answer: Answer): (instance: Instance) => void {
    const { commands } = this.oracle;
    commands.begin(bytes);
    return this.propose(operation, bytes, answer, {
      done: (index, result) => {
        commands.acknowledge(bytes, index);
        this.oracle.applied(index, result);
        const decoded = decodeResult(result);
        return () => {
          operation.index = index;
          if (decoded !== undefined) this.learn(decoded, seen);
          this.complete(operation);
        };
      },
      denied: (code) => commands.deny(bytes, code),
    });
  }

  private question(
    operation: Operation,
    { bytes, seen }: Errand,
    query: Query,
    answer: Answer,
  ): (instance: Instance) => void {
    return this.query(operation, bytes, answer, (index, result) => {
      this.oracle.checkRead(query, index, result);
      const decoded = decodeAnswer(result);
      return () => {
        operation.index = index;
        if (decoded?.status === "range") for (const item of decoded.range.items) this.see(item);
        const told = seen === null || decoded === undefined ? null : readingOf(seen.call, decoded);
        if (seen !== null && told !== null) seen.completion = { atMs: this.setup.world.nowMs, answer: told };
        this.complete(operation);
      };
    });
  }

  private learn(result: CommandResult, seen: Errand["seen"]): void {
    const { lore } = this;
    lore.revision = Math.max(lore.revision, result.revision);
    if (result.status === "lease") lore.leases.push(result.id);
    if (result.status === "session") lore.session = result.id;
    if (result.status === "refused" && result.refusal.reason === "session_expired") {
      // Whether an earlier attempt took effect is not known.
      lore.session = "";
      return;
    }
    if (result.status === "txn") {
      for (const each of result.txn.results) if (each.kind === "range") for (const item of each.items) this.see(item);
    }
    if (seen === null) return this.shared.hear(result);
    const answer = answerOf(seen.call, result);
    if (answer === null) seen.refused = true;
    else seen.completion = { atMs: this.setup.world.nowMs, answer };
  }

  private see({ key, modRevision }: Item): void {
    this.lore.modRevisions.set(text(key), modRevision);
  }
}
