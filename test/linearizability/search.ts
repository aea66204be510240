/**
 * Looks for an order in which operations could have taken effect one after the other, by Wing's and Gong's search with
 * Lowe's memory.
 *
 * J. M. Wing and C. Gong, "Testing and verifying concurrent objects", 1993; G. Lowe, "Testing for linearizability", 2017.
 * A configuration is the set of operations that have been put in order and the state that they lead to; none is entered
 * twice. What makes long histories with many unknown outcomes bearable:
 *
 * - An operation that changes nothing and fits is taken at once, without alternatives: if it can come later, it can come
 *   now.
 * - Operations of unknown outcome are tried last and may be left out. What comes next must come to something that it
 *   would not come to without them: otherwise the order without them does as well.
 * - Of two configurations that differ in nothing but those, the one that has used fewer can do whatever the other can.
 */

import type { Completion, Operation } from "./history.ts";
import type { Model } from "./model.ts";

export interface SearchLimits {
  /** After so many configurations the search gives up. */
  readonly maxConfigurations: number;
}

export interface Deepest<State, Call, Answer> {
  /** An order of as many operations as could be ordered, and the state after each. */
  readonly order: readonly Placed<State, Call, Answer>[];
  /** What could not be put behind it. */
  readonly left: readonly Operation<Call, Answer>[];
}

export interface Placed<State, Call, Answer> {
  readonly operation: Operation<Call, Answer>;
  readonly state: State;
}

export interface SearchResult<State, Call, Answer> {
  readonly verdict: "linearizable" | "violated" | "gave up";
  readonly configurations: number;
  /** Where a violated history can't go on; null for others, and unless asked for. */
  readonly deepest: Deepest<State, Call, Answer> | null;
}

/** One step of the search: an operation, and a state that may follow it. */
interface Move<State> {
  /** The operation's position among the completed ones, or among the unknown. */
  readonly position: number;
  readonly unknown: boolean;
  readonly state: State;
  /** Nothing else has to be tried in its place. */
  readonly forced: boolean;
}

interface Frame<State> {
  readonly state: State;
  /** The state before the last move, if that was an unknown operation: what follows must need it. */
  readonly without: State | null;
  readonly moves: Move<State>[];
  /** Before this time the next operation must have been invoked. */
  readonly untilMs: number;
  cursor: number;
  unknownAdded: boolean;
}

export class Search<State, Call, Answer> {
  private readonly model: Model<State, Call, Answer>;
  private readonly limits: SearchLimits;
  private readonly completed: Completed<Call, Answer>[] = [];
  private readonly unknown: Operation<Call, Answer>[] = [];
  /** The completed operations that are not in the order yet, by their invocation: a ring through position `length`. */
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly ordered: Uint8Array;
  private orderedCount = 0;
  /** The completed operations whose place is known, in that order. */
  private readonly byPlace: readonly number[];
  /** All before this rank of `byPlace` are in the order. */
  private lowestRank = 0;
  /** One bit for each unknown operation that is in the order. */
  private used = 0n;
  private readonly visited = new Map<string, Visit[]>();
  private configurations = 0;

  constructor(model: Model<State, Call, Answer>, operations: readonly Operation<Call, Answer>[], limits: SearchLimits) {
    this.model = model;
    this.limits = limits;
    const inferred = model.infer?.(operations) ?? new Map<Operation<Call, Answer>, Completion<Answer>>();
    for (const operation of operations.toSorted((one, other) => one.invokedAtMs - other.invokedAtMs)) {
      const { call, invokedAtMs } = operation;
      const completion = operation.completion ?? inferred.get(operation) ?? null;
      if (completion === null) this.unknown.push(operation);
      else {
        const place = model.place?.(call, completion.answer) ?? null;
        this.completed.push({ operation, call, invokedAtMs, ...completion, place, rank: Number.POSITIVE_INFINITY });
      }
    }
    this.byPlace = [...this.completed.keys()]
      .filter((position) => this.at(position).place !== null)
      .toSorted((one, other) => this.placeOf(one) - this.placeOf(other));
    for (const [rank, position] of this.byPlace.entries()) this.at(position).rank = rank;
    const { length } = this.completed;
    this.next = Int32Array.from({ length: length + 1 }, (_, position) => (position + 1) % (length + 1));
    this.previous = Int32Array.from({ length: length + 1 }, (_, position) => (position + length) % (length + 1));
    this.ordered = new Uint8Array(length);
  }

  /** @param explain keeps the longest order that was found, which takes time */
  run(explain = false): SearchResult<State, Call, Answer> {
    const answers = this.completed.map(({ answer }) => answer);
    const frames = [this.frame(this.model.begin?.(answers) ?? this.model.initial, null)];
    let deepest: Deepest<State, Call, Answer> | null = null;
    let [most, fewest] = [-1, 0];
    for (;;) {
      if (this.orderedCount === this.completed.length) return this.result("linearizable");
      if (this.configurations > this.limits.maxConfigurations) return this.result("gave up");
      const frame = frames.at(-1);
      if (frame === undefined) return this.result("violated", deepest);
      const move = this.nextMove(frame);
      if (move !== undefined) {
        this.place(move);
        const without = move.unknown ? frame.state : null;
        if (move.forced || this.isNew(move.state)) frames.push(this.frame(move.state, without));
        else this.takeBack(move);
        continue;
      }
      // Of those that are equally long, the one that needs the fewest unknown operations says the most.
      const longer = this.orderedCount > most || (this.orderedCount === most && frames.length < fewest);
      if (explain && longer) {
        [most, fewest] = [this.orderedCount, frames.length];
        deepest = this.describe(frames);
      }
      frames.pop();
      const before = frames.at(-1);
      const made = before?.moves[before.cursor - 1];
      if (made !== undefined) this.takeBack(made);
    }
  }

  private result(
    verdict: SearchResult<State, Call, Answer>["verdict"],
    deepest: Deepest<State, Call, Answer> | null = null,
  ): SearchResult<State, Call, Answer> {
    return { verdict, configurations: this.configurations, deepest };
  }

  private frame(state: State, without: State | null): Frame<State> {
    this.configurations += 1;
    const { length } = this.completed;
    const candidates: number[] = [];
    // Whoever was invoked after the earliest answer must come after the operation that got it.
    let untilMs = Number.POSITIVE_INFINITY;
    const lowest = this.lowestPlace();
    for (let position = this.next[length] ?? length; position !== length; position = this.next[position] ?? length) {
      const { invokedAtMs, atMs, place } = this.at(position);
      if (invokedAtMs > untilMs) break;
      if (place === null || place <= lowest) candidates.push(position);
      untilMs = Math.min(untilMs, atMs);
    }
    const forced = candidates.find((position) => this.fitsUnchanged(state, position));
    const moves =
      forced === undefined
        ? this.movesOf(state, without, candidates)
        : [{ position: forced, unknown: false, state, forced: true }];
    return { state, without, moves, untilMs, cursor: 0, unknownAdded: forced !== undefined };
  }

  /** Of the operations that are not in the order, none whose place is known may come before this. */
  private lowestPlace(): number {
    const { byPlace, ordered } = this;
    while (this.lowestRank < byPlace.length && ordered[byPlace[this.lowestRank] ?? 0] === 1) this.lowestRank += 1;
    const lowest = byPlace[this.lowestRank];
    return lowest === undefined ? Number.POSITIVE_INFINITY : this.placeOf(lowest);
  }

  private placeOf(position: number): number {
    return this.at(position).place ?? Number.POSITIVE_INFINITY;
  }

  private fitsUnchanged(state: State, position: number): boolean {
    const { call, answer } = this.at(position);
    return this.model.observes(call, answer) && this.model.step(state, call, answer)[0] === state;
  }

  private movesOf(state: State, without: State | null, candidates: readonly number[]): Move<State>[] {
    const ranked = candidates.length === 1 ? candidates : candidates.toSorted((one, other) => this.compare(one, other));
    return ranked.flatMap((position) => {
      const { call, answer } = this.at(position);
      const states = this.model.step(state, call, answer).filter((after) => this.differs(after, without, call, answer));
      return states.map((after) => ({ position, unknown: false, state: after, forced: false }));
    });
  }

  private compare(one: number, other: number): number {
    const [left, right] = [this.at(one), this.at(other)];
    return (
      this.model.rank(left.call, left.answer) - this.model.rank(right.call, right.answer) || left.atMs - right.atMs
    );
  }

  private nextMove(frame: Frame<State>): Move<State> | undefined {
    if (frame.cursor === frame.moves.length && !frame.unknownAdded) {
      frame.unknownAdded = true;
      frame.moves.push(...this.unknownMoves(frame));
    }
    frame.cursor += 1;
    return frame.moves[frame.cursor - 1];
  }

  private unknownMoves({ state, without, untilMs }: Frame<State>): Move<State>[] {
    const moves: Move<State>[] = [];
    const lowest = this.lowestPlace();
    for (const [position, { call, invokedAtMs }] of this.unknown.entries()) {
      if (invokedAtMs > untilMs) break;
      if ((this.used >> BigInt(position)) & 1n) continue;
      for (const after of this.model.step(state, call, null)) {
        if (after === state || this.model.mayFollow?.(after, lowest) === false) continue;
        if (!this.differs(after, without, call, null)) continue;
        moves.push({ position, unknown: true, state: after, forced: false });
      }
    }
    return moves;
  }

  /** Whether a call could not have led to this state from the other one. */
  private differs(after: State, without: State | null, call: Call, answer: Answer | null): boolean {
    if (without === null) return true;
    const result = this.model.fingerprint(after);
    return this.model.step(without, call, answer).every((other) => this.model.fingerprint(other) !== result);
  }

  private place({ position, unknown }: Move<State>): void {
    if (unknown) {
      this.used |= 1n << BigInt(position);
      return;
    }
    const [before, after] = [this.previous[position] ?? 0, this.next[position] ?? 0];
    this.next[before] = after;
    this.previous[after] = before;
    this.ordered[position] = 1;
    this.orderedCount += 1;
  }

  private takeBack({ position, unknown }: Move<State>): void {
    if (unknown) {
      this.used &= ~(1n << BigInt(position));
      return;
    }
    this.next[this.previous[position] ?? 0] = position;
    this.previous[this.next[position] ?? 0] = position;
    this.ordered[position] = 0;
    this.lowestRank = Math.min(this.lowestRank, this.at(position).rank);
    this.orderedCount -= 1;
  }

  /** False for a configuration that was entered before, by itself or with fewer of the unknown operations used. */
  private isNew(state: State): boolean {
    const key = `${this.orderedKey()} ${this.model.fingerprint(state)}`;
    const { used } = this;
    const burden = this.model.burden?.(state) ?? 0;
    const known = this.visited.get(key);
    if (known === undefined) {
      this.visited.set(key, [{ used, burden }]);
      return true;
    }
    if (known.some((other) => (other.used & ~used) === 0n && other.burden <= burden)) return false;
    known.push({ used, burden });
    return true;
  }

  /** Which completed operations are in the order: all before the first that is not, and some of those beside that one. */
  private orderedKey(): string {
    const { length } = this.completed;
    const head = this.next[length] ?? length;
    if (head === length) return "";
    const untilMs = this.at(head).atMs;
    let [key, bits, count] = [`${head}.`, 0, 0];
    for (let position = head + 1; position < length && this.at(position).invokedAtMs <= untilMs; position += 1) {
      bits |= (this.ordered[position] ?? 0) << count;
      count += 1;
      if (count === bitsACharacter) {
        key += String.fromCharCode(bits);
        [bits, count] = [0, 0];
      }
    }
    return count === 0 ? key : key + String.fromCharCode(bits);
  }

  private describe(frames: readonly Frame<State>[]): Deepest<State, Call, Answer> {
    const order = frames.slice(0, -1).flatMap(({ moves, cursor }) => {
      const move = moves[cursor - 1];
      const operation =
        move?.unknown === true ? this.unknown[move.position] : this.completed[move?.position ?? 0]?.operation;
      return move === undefined || operation === undefined ? [] : [{ operation, state: move.state }];
    });
    const left = this.completed.filter((_, position) => this.ordered[position] === 0).map(({ operation }) => operation);
    return { order, left };
  }

  private at(position: number): Completed<Call, Answer> {
    const found = this.completed[position];
    if (found === undefined) throw new Error(`there is no operation ${position}`);
    return found;
  }
}

interface Completed<Call, Answer> {
  readonly operation: Operation<Call, Answer>;
  readonly call: Call;
  readonly answer: Answer;
  readonly invokedAtMs: number;
  readonly atMs: number;
  /** Null when it is not known. */
  readonly place: number | null;
  /** Where it is in the order of places. */
  rank: number;
}

/** A configuration, but for what tells it from others. */
interface Visit {
  /** One bit for each unknown operation that is in the order. */
  readonly used: bigint;
  readonly burden: number;
}

const bitsACharacter = 15;
