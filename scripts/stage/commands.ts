/** The commands in which scenarios are written: those of etcd/raft's interaction tests, with some of our own. */

import { leaveJoint } from "../../src/raft/configuration-change.ts";
import type { ConfigurationChange, MemberChange } from "../../src/raft/configuration-change.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import type { NodeOptions } from "./player.ts";
import type { Stage } from "./stage.ts";

export interface Words {
  readonly name: string;
  /** Words that give nothing a name. */
  readonly plain: readonly string[];
  /** What stands behind `name=`. */
  readonly options: ReadonlyMap<string, string>;
}

export function wordsOf(command: string): Words {
  const [name = "", ...rest] = command.split(/\s+/);
  const options = rest
    .filter((word) => word.includes("="))
    .map((word): [string, string] => {
      const at = word.indexOf("=");
      return [word.slice(0, at), word.slice(at + 1)];
    });
  return { name, plain: rest.filter((word) => !word.includes("=")), options: new Map(options) };
}

/** Performs a command. Throws for one that is not known. */
export function perform(stage: Stage, command: string, input = ""): void {
  const words = wordsOf(command);
  const { name, plain, options } = words;
  const [first = "", second = ""] = plain;
  switch (name) {
    case "log-level":
    case "raft-state":
    case "raft-log":
    case "status":
      return;
    case "add-nodes":
      return addNodes(stage, words);
    case "add-node":
      return addNode(stage, words);
    case "campaign":
      return stage.campaign(first);
    case "propose":
      return stage.propose(first, second);
    case "propose-conf-change":
      return stage.proposeChange(first, changeOf(input, options.get("transition") ?? "auto"));
    case "process-ready":
      for (const id of plain) stage.process(id);
      return;
    case "stabilize":
      return stage.stabilize(plain.length === 0 ? stage.ids : plain);
    case "deliver-msgs":
      for (const id of plain) stage.deliver(id, messageType(options.get("type")), false);
      for (const id of listOf(options.get("drop"))) stage.deliver(id, messageType(options.get("type")), true);
      return;
    case "tick-heartbeat":
      return stage.tick(first, 1);
    case "tick-election":
      return stage.tick(first, 3);
    case "set-randomized-election-timeout":
      return stage.setElectionTimeout(first, Number(options.get("timeout")));
    case "compact":
      return stage.compact(first, Number(second));
    case "send-snapshot":
      return stage.sendSnapshot(first, second);
    case "report-unreachable":
      return stage.reportUnreachable(first, second);
    case "transfer-leadership":
      return stage.transfer(options.get("from") ?? "", options.get("to") ?? "");
    case "forget-leader":
      return stage.forgetLeader(first);
    case "partition":
      return stage.partition(sidesOf(plain));
    case "heal":
      return stage.heal();
    case "crash":
      for (const id of plain) stage.crash(id);
      return;
    case "restart":
      for (const id of plain) stage.restart(id);
      return;
    default:
      throw new Error(`unknown command: ${command}`);
  }
}

/** `add-nodes 3 …` makes nodes that are named by numbers, as in etcd/raft; `add-nodes S1 S2 …` names them. */
function addNodes(stage: Stage, { plain, options }: Words): void {
  const count = Number(plain[0]);
  const ids = Number.isInteger(count)
    ? Array.from({ length: count }, (_, position) => String(stage.ids.length + position + 1))
    : plain;
  const voters = listOf(options.get("voters"));
  const learners = listOf(options.get("learners"));
  stage.add(ids, voters, learners, Number(options.get("index") ?? 0), nodeOptions(options));
}

/** `add-node S1 term=3 log=(1,1,3) …` makes a node with a past: its log has entries of these terms. */
function addNode(stage: Stage, { plain, options }: Words): void {
  const configuration = simpleConfiguration(listOf(options.get("voters")), listOf(options.get("learners")));
  const entries = listOf(options.get("log")).map((term, position): Entry => {
    return { index: position + 1, term: Number(term), kind: "command", timeMs: 0, data: new Uint8Array(0) };
  });
  const term = Number(options.get("term") ?? entries.at(-1)?.term ?? 0);
  const beginning = { before: { index: 0, term: 0 }, entries, term, configuration };
  for (const id of plain) stage.enter(id, nodeOptions(options), beginning);
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined
    ? []
    : text
        .replaceAll(/[()]/g, "")
        .split(",")
        .filter((item) => item !== "");
}

/** `S1 S2 | S3` is two sides. */
function sidesOf(words: readonly string[]): readonly (readonly NodeId[])[] {
  return words
    .join(" ")
    .split("|")
    .map((side) => side.split(" ").filter((id) => id !== ""));
}

function nodeOptions(options: ReadonlyMap<string, string>): NodeOptions {
  const inflight = options.get("inflight");
  const maxAppend = options.get("max-append");
  return {
    preVote: options.get("prevote") === "true",
    checkQuorum: options.get("checkquorum") === "true",
    leaseReads: options.get("read-only") === "lease-based",
    ...(inflight === undefined ? {} : { maxInflightMessages: Number(inflight) }),
    ...(maxAppend === undefined ? {} : { maxAppendBytes: Number(maxAppend) }),
  };
}

/** Messages by the paper's names and by etcd/raft's. */
const messageTypes = new Map<string, Message["type"]>([
  ["RequestVote", "requestVote"],
  ["AppendEntries", "appendEntries"],
  ["MsgApp", "appendEntries"],
  ["MsgAppResp", "appendReply"],
  ["MsgHeartbeat", "heartbeat"],
  ["MsgHeartbeatResp", "heartbeatReply"],
  ["MsgSnap", "installSnapshot"],
]);

function messageType(named: string | undefined): Message["type"] | null {
  if (named === undefined) return null;
  const type = messageTypes.get(named);
  if (type === undefined) throw new Error(`unknown kind of message: ${named}`);
  return type;
}

/** `v4 l5 r1` adds a voter and a learner and removes a node; nothing leaves a joint configuration. */
function changeOf(input: string, transition: string): ConfigurationChange {
  const changes = input
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word): MemberChange => ({ type: changeType(word), id: word.slice(1) }));
  if (changes.length === 0) return leaveJoint;
  if (transition !== "auto" && transition !== "implicit" && transition !== "explicit") throw new Error(transition);
  return { changes, transition };
}

function changeType(word: string): MemberChange["type"] {
  if (word.startsWith("v")) return "addVoter";
  return word.startsWith("l") ? "addLearner" : "remove";
}
