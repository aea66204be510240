/** Replicates many commands at once: which of them are sent again, and what became of each. */

import { type CommandOutcome, decodeOutcomes, maxBatchBytes, maxBatchCommands } from "../batch.ts";
import { MalformedError } from "../bytes/reader.ts";
import { internalPath } from "../internal.ts";
import { encodeParts } from "../parts.ts";
import { ApiError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import type { GroupCalls } from "./group-calls.ts";
import type { LeaderCalls, NodeAnswer } from "./leader-calls.ts";
import { failureMessages, leaderError } from "./leader-search.ts";
import type { Failure } from "./leader-search.ts";
import type { Position } from "./position.ts";
import { tooLargeSentence } from "./sentences.ts";
import type { Target } from "./target.ts";

/** What became of each command of a batch, in their order. */
export interface BatchAnswer {
  readonly answers: readonly (NodeAnswer | ApiError)[];
}

const firstPauseMs = 10;
const maxPauseMs = 250;

export async function proposeAll(
  nodes: GroupCalls,
  leaders: LeaderCalls,
  target: Target,
  commands: readonly Uint8Array[],
  repeatable: boolean,
): Promise<BatchAnswer> {
  refuseTooLarge(commands);
  const batch = new Batch(commands, repeatable);
  const deadlineMs = Date.now() + target.timeoutMs;
  for (let pauseMs = firstPauseMs; batch.open.length > 0; pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
    const timeoutMs = deadlineMs - Date.now();
    if (timeoutMs <= 0) {
      batch.giveUp();
      break;
    }
    try {
      const answer = await leaders.ask({ ...target, timeoutMs }, batch.call());
      batch.take(answer);
      // Whoever has answered for some of them without result need not be asked again before others are.
      if (batch.open.length > 0) nodes.distrust(target, answer.position.node);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      batch.fail(error);
    }
    if (batch.open.length > 0) await pause(Math.min(pauseMs * (0.5 + Math.random() / 2), deadlineMs - Date.now()));
  }
  return { answers: batch.answers() };
}

function refuseTooLarge(commands: readonly Uint8Array[]): void {
  const size = commands.reduce((sum, command) => sum + command.length, 0);
  if (commands.length <= maxBatchCommands && size <= maxBatchBytes) return;
  const limits = `${maxBatchCommands} commands and ${maxBatchBytes} bytes of them`;
  throw new ApiError("too_large", `A batch holds ${limits} at most.`);
}

function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
}

class Batch {
  /** The places of the commands whose outcome is not known yet. */
  open: readonly number[];
  private readonly commands: readonly Uint8Array[];
  private readonly repeatable: boolean;
  /** The places of those of which an earlier attempt may still take effect. */
  private readonly doubtful = new Set<number>();
  private readonly settled = new Map<number, NodeAnswer | ApiError>();
  private failure: Failure = "unavailable";
  private position: Position | undefined;

  constructor(commands: readonly Uint8Array[], repeatable: boolean) {
    this.commands = commands;
    this.repeatable = repeatable;
    this.open = [...commands.keys()];
  }

  /** What is to be asked of the leader. */
  call(): { path: typeof internalPath.proposeAll; body: Uint8Array; repeatable: boolean } {
    const { repeatable } = this;
    const commands = this.commands.filter((_, place) => !this.settled.has(place));
    return { path: internalPath.proposeAll, body: encodeParts(commands), repeatable };
  }

  take({ body, position, ambiguous }: NodeAnswer): void {
    this.position = position;
    const outcomes = readOutcomes(body, this.open.length);
    for (const [at, place] of this.open.entries()) {
      if (ambiguous) this.doubtful.add(place);
      const outcome = outcomes?.[at];
      if (outcome === undefined) this.settle(place, this.error(place, "unavailable", notUnderstood, true));
      else this.takeOutcome(place, outcome, position);
    }
    this.open = this.open.filter((place) => !this.settled.has(place));
  }

  /** No leader has answered for the commands that were open. */
  fail(error: ApiError): void {
    for (const place of this.open) {
      const doubted = this.doubtful.has(place) && !error.ambiguous;
      this.settle(place, doubted ? this.error(place, error.code, error.message) : error);
    }
    this.open = [];
  }

  /** The time is over. */
  giveUp(): void {
    const { failure } = this;
    for (const place of this.open) this.settle(place, this.error(place, failure, failureMessages[failure]));
    this.open = [];
  }

  /** In the order of the commands, when none is open. */
  answers(): (NodeAnswer | ApiError)[] {
    return this.commands.flatMap((_, place) => this.settled.get(place) ?? []);
  }

  private takeOutcome(place: number, outcome: CommandOutcome, position: Position): void {
    if (outcome.done) {
      const { result, index } = outcome;
      const ambiguous = this.doubtful.has(place);
      this.settle(place, { body: result, position: { ...position, index: String(index) }, ambiguous });
      return;
    }
    const { code, message, ambiguous } = outcome;
    if (code === "overloaded" || code === "too_large") {
      const sentence = code === "overloaded" ? overloaded : tooLargeSentence(message);
      this.settle(place, this.error(place, code, sentence, ambiguous));
      return;
    }
    this.failure = failureOf(code);
    if (ambiguous) this.doubtful.add(place);
    if (!ambiguous || this.repeatable) return;
    this.settle(place, this.error(place, this.failure, failureMessages[this.failure]));
  }

  private settle(place: number, answer: NodeAnswer | ApiError): void {
    this.settled.set(place, answer);
  }

  private error(place: number, code: ErrorCode, message: string, ambiguous = false): ApiError {
    const call = { path: internalPath.proposeAll, repeatable: this.repeatable };
    const { position } = this;
    return leaderError(call, code, message, { ambiguous: ambiguous || this.doubtful.has(place), position });
  }
}

const notUnderstood = "The nodes run a version whose answer is not understood.";

const overloaded = "Too many writes wait for their commit in this group.";

/** Undefined for what is no answer to so many commands. */
function readOutcomes(body: Uint8Array, count: number): CommandOutcome[] | undefined {
  try {
    const outcomes = decodeOutcomes(body);
    return outcomes.length === count ? outcomes : undefined;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function failureOf(code: string): Failure {
  if (code === "not_leader" || code === "superseded") return "no_leader";
  return code === "timeout" ? "timeout" : "unavailable";
}
