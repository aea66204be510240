/** Faults that wait for a promise, and kill the process that has made it, to see whether it is kept when the process is back. */

import { decodeFrame } from "../../src/node/frame.ts";
import type { Message } from "../../src/raft/message.ts";
import { cutOff, until } from "./fault.ts";
import type { Arena, Fault } from "./fault.ts";
import type { Exchange } from "./network.ts";
import type { NodeHandle } from "./node-handle.ts";

export const targetedFaults: readonly Fault[] = [
  {
    ...targetedFault("ballot", "a node that has voted is killed, and comes back to the loser", forgetVote),
    mostNodes: 3,
  },
  {
    ...targetedFault(
      "last-copy",
      "clients were told of what only the leader and a follower had, which are killed",
      forgetEntries,
    ),
    mostNodes: 3,
  },
  targetedFault("half-state", "a node is killed that has taken part of another one's state", forgetPages),
];

function targetedFault(name: string, aim: string, run: Fault["run"]): Fault {
  return { name, lane: "processes", weight: 1, leastNodes: 3, alone: true, aim, run };
}

/**
 * The leader is cut off, another node wins the election by the vote of the third, and is cut off in its turn. The voter is
 * killed, and when it is back only the first leader can ask for its vote: a voter that has forgotten whom it voted for
 * gives the same term a second leader.
 */
async function forgetVote(arena: Arena): Promise<boolean> {
  const rival = arena.leader();
  if (rival === undefined) return false;
  const healRival = cutOff(arena, rival);
  arena.tell(`${rival.id} is cut off, and whoever votes then is killed`);
  const vote = await waitFor(arena, (exchange) => {
    if (exchange.from === rival.id || exchange.to === rival.id || !grantsVote(exchange)) return false;
    // Nothing that the winner sends as a leader must reach the voter: it would tell it who leads.
    named(arena, exchange.to)?.interrupt();
    return true;
  });
  const voter = named(arena, vote?.to);
  const winner = named(arena, vote?.from);
  if (voter !== undefined && winner !== undefined) {
    const healWinner = cutOff(arena, winner);
    await voter.kill();
    healRival();
    await voter.start();
    arena.tell(`${voter.id}, which voted for ${winner.id}, is back, and hears ${rival.id} alone`);
    await arena.sleep(arena.random.between(1000, 3000));
    healWinner();
  }
  healRival();
  arena.tell("all hear each other again");
  return voter !== undefined;
}

/**
 * One follower is cut off, and the other one hears nothing more from the leader once it has acknowledged an append: what
 * the leader commits by that, and tells clients, is nowhere else. Leader and follower are killed, and the follower comes
 * back first: without what it has acknowledged, it and the third node go on without it.
 */
async function forgetEntries(arena: Arena): Promise<boolean> {
  const leader = arena.leader();
  if (leader === undefined) return false;
  const [follower, third] = arena.random.shuffle(arena.nodes.filter((node) => node !== leader));
  if (follower === undefined || third === undefined) return false;
  // Clients reach the leader through any process: somebody has to hear of what it commits.
  const heal = [cutOff(arena, third, { peersBlocked: true })];
  arena.tell(`${third.id} is cut off, and ${follower.id} is to die with the last copy`);
  await arena.sleep(arena.random.between(100, 1000));
  const append = await waitFor(arena, (exchange) => {
    if (exchange.from !== leader.id || exchange.to !== follower.id || !acceptsEntries(exchange)) return false;
    heal.push(cutOff(arena, follower, { peersBlocked: true }));
    return true;
  });
  const before = arena.acknowledged();
  const isTold = append !== null && (await until(arena, () => arena.acknowledged() > before, maxAnswerMs));
  // The first answer may be one to what was committed before.
  await arena.sleep(200);
  await Promise.all([leader.kill(), follower.kill()]);
  for (const lift of heal) lift();
  await follower.start();
  arena.tell(`${follower.id} is back, without ${leader.id}`);
  await arena.sleep(arena.random.between(1000, 2500));
  await leader.start();
  arena.tell(`${leader.id} is back too`);
  return isTold;
}

/** So long it takes at most until a client hears of what was committed. */
const maxAnswerMs = 1000;

/**
 * A node misses more than the log keeps, and is killed when it has acknowledged a page of the state that it gets instead,
 * which is not the last one: it must go on from there with all that it has acknowledged, or begin anew.
 */
async function forgetPages(arena: Arena): Promise<boolean> {
  const leader = arena.leader();
  const victim = arena.random.pick(arena.nodes.filter((node) => node !== leader));
  const enough = arena.acknowledged() + 2 * arena.keptEntries;
  const heal = cutOff(arena, victim);
  arena.tell(`${victim.id} is to die with half of a state`);
  await until(arena, () => arena.acknowledged() >= enough, maxWaitMs);
  heal();
  let pages = 0;
  const page = await waitFor(arena, ({ path, to }) => {
    pages += Number(path === "snapshot" && to === victim.id);
    if (pages < pagesTaken) return false;
    victim.interrupt();
    return true;
  });
  await victim.kill();
  await victim.start();
  arena.tell(`${victim.id} is back, with ${page === null ? "no part" : "a part"} of a state`);
  return page !== null;
}

/** Of a state of some dozen. */
const pagesTaken = 3;

const maxWaitMs = 8000;

/** The first exchange that is wanted; null when there is none in time. */
async function waitFor(arena: Arena, isWanted: (exchange: Exchange) => boolean): Promise<Exchange | null> {
  const seen: Exchange[] = [];
  arena.network.onExchange = (exchange) => {
    if (seen.length === 0 && isWanted(exchange)) seen.push(exchange);
  };
  await until(arena, () => seen.length > 0, maxWaitMs);
  arena.network.onExchange = () => {};
  return seen[0] ?? null;
}

function named({ nodes }: Arena, id: string | undefined): NodeHandle | undefined {
  return nodes.find((node) => node.id === id);
}

function grantsVote({ path, answer }: Exchange): boolean {
  return messagesIn(path, answer).some(
    (message) => message.type === "voteReply" && message.granted && !message.preVote,
  );
}

function acceptsEntries({ path, request, answer }: Exchange): boolean {
  const sent = messagesIn(path, request).some((one) => one.type === "appendEntries" && one.entries.length > 0);
  return sent && messagesIn(path, answer).some((reply) => reply.type === "appendReply" && reply.rejection === null);
}

function messagesIn(path: string, frame: Uint8Array): readonly Message[] {
  if (path !== "raft") return [];
  try {
    return decodeFrame(frame).messages;
  } catch {
    // A refusal is no frame.
    return [];
  }
}
