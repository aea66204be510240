/** What an instance says to its peers and hears from them, each frame looked at by the real gatekeeper on its way. */

import { MalformedError } from "../../src/bytes/reader.ts";
import type { JoinRefusal } from "../../src/node/administration.ts";
import { decodeFrame, encodeFrame, type Frame, FrameVersionError } from "../../src/node/frame.ts";
import { type FrameRefusal, FrameRefusedError, readFrameRefusal } from "../../src/node/frame-refusal.ts";
import type { Gatekeeper } from "../../src/node/gatekeeper.ts";
import {
  decodePart,
  decodePartAnswer,
  encodePart,
  encodePartAnswer,
  type PartAnswer,
  type SnapshotPart,
} from "../../src/node/snapshot-part.ts";
import type { StoredNode } from "../../src/node/storage.ts";
import type { CallAnswer } from "../../src/node/transport.ts";
import type { JoinAnswer, JoinRequest } from "../../src/membership.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import type { Instance } from "./instance.ts";
import type { Reply } from "./network.ts";
import type { Receive, SimulatedNode } from "./simulated-node.ts";
import { describeMessages } from "./trace.ts";

/** Where a frame's version is: behind its magic number. */
const versionAt = 2;

export class Correspondence {
  private readonly instance: Instance;
  private readonly node: SimulatedNode;
  private readonly stored: StoredNode;
  private readonly gatekeeper: Gatekeeper;
  /** By how much this code's version is newer than the one under test. */
  private readonly newer: number;

  constructor(instance: Instance, node: SimulatedNode, gatekeeper: Gatekeeper) {
    this.instance = instance;
    this.node = node;
    this.stored = instance.stored;
    this.gatekeeper = gatekeeper;
    this.newer = node.newer;
  }

  /** Makes a call; never answers once the instance has ended. */
  call(to: NodeId, messages: readonly Message[]): Promise<CallAnswer> {
    return new Promise((resolve) => {
      if (!this.instance.alive) return;
      const frame = this.spoken(encodeFrame(this.frame(to, messages)));
      const begin = (): void => {
        this.node.note(() => `to ${to}: ${describeMessages(messages)}`);
        this.node.setup.checks.left(this.instance.watched, messages);
      };
      const receive: Receive = (instance, answer) => instance.place?.correspondence.receive(frame, answer);
      this.exchange(to, begin, receive, (answer) => {
        resolve(answer instanceof Uint8Array ? this.readAnswer(answer, to) : answer);
      });
    });
  }

  /** Takes a frame from a peer; the answer leaves when the gate lets it. */
  receive(bytes: Uint8Array, answer: (reply: Reply) => void): void {
    this.instance.enter((driver) => {
      this.answerFrame(answer, () => {
        const { from, messages } = this.read(bytes, decodeFrame);
        this.node.note(() => `from ${from}: ${describeMessages(messages)}`);
        const replies = driver.receive(messages, from, this.instance.nowMs);
        return { from, replies, bytes: encodeFrame(this.frame(from, replies)) };
      });
    });
  }

  sendPart(to: NodeId, part: SnapshotPart): void {
    this.instance.step("before sending a page");
    const bytes = this.spoken(encodePart(this.frame(to, [part.message]), part));
    const begin = (): void => {
      this.node.note(() => `page ${part.sequence} of the state at ${part.message.snapshot.index} to ${to}`);
      this.node.setup.checks.left(this.instance.watched, [part.message]);
    };
    const answered = (answer: CallAnswer | Uint8Array): void => {
      const told = answer instanceof Uint8Array ? this.readPartAnswer(answer) : null;
      this.node.note(() => `page ${part.sequence} to ${to}: ${told?.result ?? "lost"}`);
      this.instance.enter((driver) => driver.partAnswered(part, told, this.instance.nowMs));
    };
    const receive: Receive = (instance, answer) => instance.place?.correspondence.receivePart(bytes, answer);
    this.exchange(to, begin, receive, answered);
  }

  /** Takes a page of a snapshot from a peer. */
  receivePart(bytes: Uint8Array, answer: (reply: Reply) => void): void {
    this.instance.enter((driver) => {
      this.answerFrame(answer, () => {
        const part = this.readPart(bytes);
        const { from } = part.message;
        const answered = driver.receivePart(part, this.instance.nowMs);
        const frame = this.frame(from, answered.messages);
        return { from, replies: answered.messages, bytes: encodePartAnswer(frame, answered) };
      });
    });
  }

  /** Asks a node to wait to become a member. Never answers once the instance has ended. */
  join(to: NodeId, request: JoinRequest): Promise<JoinAnswer | JoinRefusal> {
    return new Promise((resolve, reject) => {
      if (!this.instance.alive) return;
      const begin = (): void => this.node.note(() => `asks ${to} to join`);
      const receive: Receive = (instance, answer) => instance.place?.join(request, answer);
      this.exchange(to, begin, receive, (answer) => {
        if (answer instanceof Uint8Array) {
          resolve(JSON.parse(new TextDecoder().decode(answer)) as JoinAnswer | JoinRefusal);
        } else reject(new Error(answer.result));
      });
    });
  }

  private exchange(
    to: NodeId,
    begin: () => void,
    receive: Receive,
    settle: (answer: CallAnswer | Uint8Array) => void,
  ): void {
    const { world, settings } = this.node.setup;
    let open = true;
    const end = (answer: CallAnswer | Reply): void => {
      if (!open || !this.instance.alive) return;
      open = false;
      world.expectPromises();
      // What the answer brings may be written at once, and that may be where the instance ends.
      this.instance.enter(() => {
        if ("result" in answer) settle(answer);
        else if (!answer.refused) settle(answer.bytes);
        else settle(this.refused(answer.bytes, to));
      });
    };
    world.after(settings.network.callTimeoutMs, () => end({ result: "timeout", detail: "no answer" }));
    this.instance.gate.output(() => {
      try {
        begin();
      } catch (error) {
        // Whoever asked may wait for the answer already, and would be the only one to learn of it.
        return world.fail(error);
      }
      this.node.call(to, receive, end);
    });
  }

  private refused(bytes: Uint8Array, by: NodeId): CallAnswer {
    const refusal = readFrameRefusal(bytes);
    this.node.note(() => `refused by ${by}: ${refusal.message}`);
    this.node.setup.world.count(`refused as ${refusal.code}`);
    this.gatekeeper.consider(refusal, by);
    return { result: "refused", detail: refusal.message };
  }

  /** Answers a peer's frame, or refuses it, as the object does. */
  private answerFrame(
    answer: (reply: Reply) => void,
    take: () => { readonly from: NodeId; readonly replies: readonly Message[]; readonly bytes: Uint8Array },
  ): void {
    const { gate, watched } = this.instance;
    try {
      const { from, replies, bytes } = take();
      this.instance.catchUp();
      const spoken = this.spoken(bytes);
      gate.output(() => {
        this.node.note(() => `answers ${from}: ${describeMessages(replies)}`);
        this.node.setup.checks.left(watched, replies);
        answer({ refused: false, bytes: spoken });
      });
    } catch (error) {
      if (!(error instanceof FrameRefusedError)) throw error;
      const { refusal } = error;
      this.node.note(() => `refuses: ${refusal.message}`);
      gate.output(() => answer({ refused: true, bytes: encodeRefusal(refusal) }));
    }
  }

  private readAnswer(bytes: Uint8Array, from: NodeId): CallAnswer {
    try {
      const { messages } = this.read(bytes, decodeFrame);
      this.node.note(() => `answer of ${from}: ${describeMessages(messages)}`);
      return { result: "ok", messages };
    } catch (error) {
      if (error instanceof FrameRefusedError) return { result: "malformed", detail: error.message };
      throw error;
    }
  }

  private readPart(bytes: Uint8Array): SnapshotPart {
    const { frame, part } = this.decode(bytes, decodePart);
    this.gatekeeper.check(frame);
    return part;
  }

  private readPartAnswer(bytes: Uint8Array): PartAnswer | null {
    try {
      const { frame, answer } = this.decode(bytes, decodePartAnswer);
      this.gatekeeper.check(frame);
      return answer;
    } catch (error) {
      if (error instanceof FrameRefusedError) return null;
      throw error;
    }
  }

  private read(bytes: Uint8Array, decode: (bytes: Uint8Array) => Frame): Frame {
    const frame = this.decode(bytes, decode);
    this.gatekeeper.check(frame);
    return frame;
  }

  private decode<Decoded>(bytes: Uint8Array, decode: (bytes: Uint8Array) => Decoded): Decoded {
    try {
      return decode(this.heard(bytes));
    } catch (error) {
      if (error instanceof MalformedError || error instanceof FrameVersionError) {
        throw new FrameRefusedError({ code: "bad_request", message: error.message });
      }
      throw error;
    }
  }

  private frame(to: NodeId, messages: readonly Message[]): Frame {
    const { identity, incarnation } = this.stored;
    const { groupId, storageId, node: from } = identity;
    const toStorageId = this.gatekeeper.storageIdOf(to, messages);
    return { groupId, from, to, storageId, incarnation, toStorageId, messages };
  }

  /** As code of this instance's version says it. */
  private spoken(bytes: Uint8Array): Uint8Array {
    return shifted(bytes, this.newer);
  }

  /** As code of this instance's version understands it: as of another version, if it is. */
  private heard(bytes: Uint8Array): Uint8Array {
    return shifted(bytes, -this.newer);
  }
}

/** The same frame of a version that is so much higher. */
function shifted(bytes: Uint8Array, by: number): Uint8Array {
  if (by === 0) return bytes;
  return bytes.with(versionAt, (bytes[versionAt] ?? 0) + by);
}

function encodeRefusal(refusal: FrameRefusal): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(refusal));
}
