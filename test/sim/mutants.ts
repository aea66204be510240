/** Bugs made on purpose, from outside of the code: what the simulator has to find to be believed. */

import { AlarmTimer } from "../../src/node/alarm-timer.ts";
import { Applier } from "../../src/node/applier.ts";
import { Driver } from "../../src/node/driver.ts";
import type { NodeStorage } from "../../src/node/storage.ts";
import { type Settle, Waiters } from "../../src/node/waiters.ts";
import { Candidate } from "../../src/raft/candidate.ts";
import type { Configuration } from "../../src/raft/configuration.ts";
import type { HardState, NodeId } from "../../src/raft/entry.ts";
import { Follower } from "../../src/raft/follower.ts";
import { Leader } from "../../src/raft/leader.ts";
import { RaftLog } from "../../src/raft/log.ts";
import type { AppendEntries, Message, VoteReply } from "../../src/raft/message.ts";
import { Progress } from "../../src/raft/progress.ts";
import { majority } from "../../src/raft/quorum.ts";
import { Raft } from "../../src/raft/raft.ts";
import type { Uncommitted } from "../../src/raft/uncommitted.ts";
import { Voter } from "../../src/raft/voter.ts";
import { Cells } from "./disk/cells.ts";
import { interceptStorage } from "./disk/recording-storage.ts";
import { type Insides, patchGetter, patchMethod } from "./patch.ts";
import { nodeIds, type Settings } from "./settings.ts";
import type { Tampering } from "./setup.ts";

export interface Mutant {
  /** What it does wrong. */
  readonly name: string;
  /** Its number in the list of known hazards, if it is one of them. */
  readonly hazard: number | null;
  /** The simulator must find it within so many seeds, from seed 1 on. */
  readonly withinSeeds: number;
  readonly tampering?: Tampering;
  /** In which worlds it can be found. */
  readonly adjust?: (settings: Settings) => Settings;
  /** Puts the bug in; the answer takes it out again. */
  readonly install?: () => () => void;
}

export const mutants: readonly Mutant[] = [
  {
    name: "a node forgets whom it voted for when it restarts",
    hazard: 2,
    withinSeeds: 20,
    tampering: changedStorage((storage) => ({
      saveHardState: ({ term }) => storage.saveHardState({ term, vote: null }),
    })),
  },
  {
    name: "a node forgets its term when it restarts",
    hazard: 38,
    withinSeeds: 20,
    tampering: changedStorage(() => ({ saveHardState: () => {} })),
  },
  {
    name: "messages leave before what they promise is durable",
    hazard: 2,
    withinSeeds: 20,
    tampering: { gate: (gate) => ({ output: (release) => release(), fact: (becomesTrue) => gate.fact(becomesTrue) }) },
  },
  {
    name: "the applied index is stored apart from the state, and sometimes not at all",
    hazard: 30,
    withinSeeds: 100,
    tampering: changedStorage((storage) => {
      let saves = 0;
      return {
        saveAppliedIndex: (index) => {
          saves += 1;
          if (saves % 2 === 0) storage.saveAppliedIndex(index);
        },
      };
    }),
  },
  {
    name: "an entry of an earlier term is committed by counting",
    hazard: 1,
    withinSeeds: 300,
    install: () => patchMethod(Leader.prototype, "commit", (self) => commitCounted(self, votersOf(self), 0, false)),
  },
  {
    name: "one less than a majority commits",
    hazard: 16,
    withinSeeds: 100,
    install: () => patchMethod(Leader.prototype, "commit", (self) => commitCounted(self, votersOf(self), 1, true)),
  },
  {
    name: "learners count as voters",
    hazard: 16,
    withinSeeds: 100,
    install: () =>
      patchMethod(Leader.prototype, "commit", (self) => {
        const { learners } = raftOf(self).configuration;
        commitCounted(
          self,
          votersOf(self)
            .slice(0, majority(votersOf(self).length))
            .concat(learners),
          0,
          true,
        );
      }),
  },
  {
    name: "an append removes everything behind it, conflict or not",
    hazard: 12,
    withinSeeds: 100,
    install: () =>
      patchMethod(RaftLog.prototype, "merge", (self, [entries]) => {
        const log = self as unknown as RaftLog;
        const behindCommit = (entries as AppendEntries["entries"]).filter(({ index }) => index > log.commitIndex);
        log.append(behindCommit);
      }),
  },
  {
    name: "an append is taken after any entry at its index, whatever that entry's term",
    hazard: 39,
    withinSeeds: 100,
    adjust: withManyLeaders,
    install: () =>
      patchMethod(Follower.prototype, "append", (self, [given], original) => {
        const message = given as AppendEntries;
        original({ ...message, prevLogTerm: raftOf(self).log.term(message.prevLogIndex) ?? message.prevLogTerm });
      }),
  },
  {
    name: "a follower believes the commit index of an append before it compares the logs",
    hazard: 11,
    withinSeeds: 100,
    adjust: withManyLeaders,
    install: () =>
      patchMethod(Follower.prototype, "append", (self, [given], original) => {
        const { log } = raftOf(self);
        log.commitTo(Math.min((given as AppendEntries).commitIndex, log.lastIndex));
        original(given);
      }),
  },
  {
    name: "a heartbeat's commit index is the leader's, not what the follower is known to hold",
    hazard: 11,
    withinSeeds: 100,
    install: () =>
      patchMethod(Raft.prototype, "step", (self, [given, nowMs], original) => {
        const message = given as Message;
        const { log } = self as unknown as Raft;
        const commitIndex = Math.min(newestCommit.get(message.from) ?? 0, log.lastIndex);
        original(message.type === "heartbeat" ? { ...message, commitIndex } : message, nowMs);
        newestCommit.set((self as unknown as Raft).id, log.commitIndex);
      }),
  },
  {
    name: "votes go to whoever asks first, however old its log",
    hazard: 39,
    withinSeeds: 100,
    install: () => patchMethod(RaftLog.prototype, "isUpToDate", () => true),
  },
  {
    name: "a node that steps down within a term may vote again in it",
    hazard: 3,
    withinSeeds: 100,
    install: () =>
      patchMethod(Raft.prototype, "becomeFollower", (self, inputs, original) => {
        const ballot = self["ballot"] as { current: HardState };
        ballot.current = { term: ballot.current.term, vote: null };
        return original(...inputs);
      }),
  },
  {
    name: "the grant of a pre-vote counts as a vote",
    hazard: 21,
    withinSeeds: 300,
    install: () =>
      patchMethod(Candidate.prototype, "count", (self, [given, nowMs], original) => {
        const { name } = self as unknown as Candidate;
        const { term } = raftOf(self);
        const preVote = name === "preCandidate";
        original({ ...(given as VoteReply), preVote, term: preVote ? term + 1 : term }, nowMs);
      }),
  },
  {
    name: "a leader answers reads without asking whether it still leads",
    hazard: 9,
    withinSeeds: 100,
    adjust: withManyLeaders,
    install: () =>
      patchMethod(Leader.prototype, "readIndex", (self, [context]) => {
        const raft = raftOf(self);
        raft.confirmRead({ context: context as number, index: raft.log.commitIndex });
        return true;
      }),
  },
  {
    name: "a leader answers reads before it has committed an entry of its term",
    hazard: 7,
    withinSeeds: 200,
    adjust: withManyLeaders,
    install: () => patchGetter(Leader.prototype, "mayRead", true),
  },
  {
    name: "the bounds of a read are not looked at",
    hazard: 9,
    withinSeeds: 100,
    install: () =>
      patchMethod(Driver.prototype, "query", (_self, inputs, original) => original(...inputs.slice(0, 4), {})),
  },
  {
    name: "a command that is answered before it is applied is forgotten",
    hazard: 30,
    withinSeeds: 20,
    install: () =>
      patchMethod(Applier.prototype, "fulfil", (self) => {
        self["foretold"] = null;
      }),
  },
  {
    name: "whoever waits for an index is answered as soon as the core counts it as applied",
    hazard: 30,
    withinSeeds: 200,
    install: () =>
      patchMethod(Applier.prototype, "changed", (self, [, nowMs], original) =>
        original((self["raft"] as Raft).log.appliedIndex, nowMs),
      ),
  },
  {
    name: "what was foretold is applied by the time at which that was, and readers set the clock back",
    hazard: null,
    withinSeeds: 200,
    install: () =>
      patchMethod(Applier.prototype, "fulfil", (_self, [nowMs], original) => original((nowMs as number) - 5)),
  },
  {
    name: "a command is answered when it is proposed, not when it is committed",
    hazard: 45,
    withinSeeds: 20,
    install: () =>
      patchMethod(Waiters.prototype, "addProposal", (_self, [index, given]) => {
        const { settle } = given as Parameters<Waiters["addProposal"]>[1];
        settle({ done: true, result: new Uint8Array(9), index: index as number });
      }),
  },
  {
    name: "a command whose time is over is said not to have happened",
    hazard: 32,
    withinSeeds: 100,
    install: () =>
      patchMethod(Waiters.prototype, "addProposal", (_self, [index, given], original) => {
        const proposal = given as Parameters<Waiters["addProposal"]>[1];
        const settle: Settle = (outcome) => proposal.settle(outcome.done ? outcome : { ...outcome, ambiguous: false });
        original(index, { ...proposal, settle });
      }),
  },
  {
    name: "a repeated command is applied again",
    hazard: 31,
    withinSeeds: 100,
    adjust: withManyLeaders,
    install: () =>
      patchMethod(Cells.prototype, "get", (_self, [name], original) =>
        String(name).startsWith("answer to") ? undefined : original(name),
      ),
  },
  {
    name: "appends leave early though they tell of a commit that only this disk makes",
    hazard: 35,
    withinSeeds: 300,
    install: () => patchGetter(RaftLog.prototype, "savedIndex", Number.POSITIVE_INFINITY),
  },
  {
    name: "an append that got lost is never sent again",
    hazard: 20,
    withinSeeds: 100,
    install: () => patchMethod(Progress.prototype, "heartbeatAnswered", () => {}),
  },
  {
    name: "an alarm that fires early is not armed again",
    hazard: 52,
    withinSeeds: 100,
    adjust: withFewRequests,
    install: () => patchMethod(AlarmTimer.prototype, "fired", () => {}),
  },
  {
    name: "a leader of an earlier term is not told that there is a later one",
    hazard: 22,
    withinSeeds: 600,
    adjust: (settings) => withFewRequests(withManyLeaders(settings)),
    install: () => patchMethod(Voter.prototype, "answerStale", () => {}),
  },
];

const newestCommit = new Map<NodeId, number>();

function changedStorage(change: (storage: NodeStorage) => Partial<NodeStorage>): Tampering {
  return { storage: (storage) => interceptStorage(storage, change(storage)) };
}

export function raftOf(self: Insides): Raft {
  return self["raft"] as Raft;
}

function votersOf(self: Insides): Configuration["voters"] {
  return raftOf(self).configuration.voters;
}

/** The leader's rule of commitment, with fewer nodes than a majority, or without its look at the term. */
function commitCounted(self: Insides, counted: readonly NodeId[], tooFew: number, ownTermOnly: boolean): void {
  const { id, term, log } = raftOf(self);
  const { peers } = self as unknown as Leader;
  const matches = counted.map((voter) => (voter === id ? log.lastIndex : (peers.get(voter)?.matchIndex ?? 0)));
  const needed = Math.max(1, majority(counted.length) - tooFew);
  const index = matches.sort((left, right) => right - left)[needed - 1] ?? 0;
  if (index <= log.commitIndex || (ownTermOnly && log.term(index) !== term)) return;
  log.commitTo(index);
  (self["uncommitted"] as Uncommitted).committed(index);
}

/** Requests do what a lost alarm has left undone: here they are rare. */
function withFewRequests(settings: Settings): Settings {
  return { ...settings, clients: { ...settings.clients, count: 1, thinkMs: settings.options.electionMaxMs } };
}

/** Three voters, of which one or two fail all the time, under many requests. */
export function withManyLeaders(settings: Settings): Settings {
  const { electionMaxMs } = settings.options;
  const weights = { ...settings.faults.weights, crash: 1, isolation: 1, deploy: 1, partition: 1 };
  return {
    ...settings,
    voters: nodeIds(3),
    learners: [],
    clients: { ...settings.clients, count: 4, thinkMs: electionMaxMs / 20 },
    faults: { weights, everyMs: electionMaxMs, lastsMs: electionMaxMs },
  };
}
