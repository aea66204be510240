/** Watches a whole group and fails at the first event after which a promise of Raft is broken (paper, figure 3). */

import assert from "node:assert/strict";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import type { TestNode } from "./test-node.ts";

export class Witness {
  /** What was applied anywhere, by index less one. */
  readonly committed: Entry[] = [];
  readonly leaders = new Map<number, NodeId>();
  private readonly votes = new Map<string, NodeId>();
  private readonly seen = new Map<NodeId, { raft: unknown; applied: number; commitIndex: number; reads: number }>();
  private readonly reads = new Map<number, number>();

  /** A read begins: it must see all that was applied anywhere by now. */
  readBegins(context: number): void {
    this.reads.set(context, this.committed.length);
  }

  /** A message leaves its node. A vote that left binds, whatever the node forgets later. */
  leaves(message: Message): void {
    if (message.type === "voteReply" && message.granted && !message.preVote) {
      this.castVote(message.from, message.term, message.to);
    }
    if (message.type === "requestVote" && !message.preVote) this.castVote(message.from, message.term, message.from);
  }

  /** A node has done something. */
  looks(node: TestNode): void {
    const { id, raft, disk } = node;
    const last = this.seen.get(id);
    const seen = last?.raft === raft ? last : { raft, applied: 0, commitIndex: 0, reads: last?.reads ?? 0 };
    this.seen.set(id, seen);
    assert.ok(raft.log.commitIndex >= seen.commitIndex, `the commit index of ${id} fell`);
    seen.commitIndex = raft.log.commitIndex;
    for (; seen.applied < disk.applied.length; seen.applied += 1) this.applies(node, disk.applied[seen.applied]!);
    if (raft.role === "leader") this.leads(node);
    for (; seen.reads < node.reads.length; seen.reads += 1) {
      const { context, index } = node.reads[seen.reads]!;
      assert.ok(index >= (this.reads.get(context) ?? 0), `${id} answers read ${context} with an old state`);
    }
  }

  /** Compares all logs: the same index and term mean the same log up to there. */
  comparesLogs(nodes: Iterable<TestNode>): void {
    const logs = [...nodes].map(({ disk }) => disk.wholeLog);
    for (const [position, left] of logs.entries()) {
      for (const right of logs.slice(position + 1)) {
        let same = Math.min(left.length, right.length) - 1;
        while (same >= 0 && left[same]!.term !== right[same]!.term) same -= 1;
        assert.deepEqual(left.slice(0, same + 1), right.slice(0, same + 1), "logs differ before an equal entry");
      }
    }
  }

  private castVote(voter: NodeId, term: number, candidate: NodeId): void {
    const key = `${voter} in term ${term}`;
    assert.equal(this.votes.get(key) ?? candidate, candidate, `${key} votes twice`);
    this.votes.set(key, candidate);
  }

  private applies({ id }: TestNode, entry: Entry): void {
    const other = this.committed[entry.index - 1];
    if (other === undefined) {
      assert.equal(entry.index, this.committed.length + 1);
      this.committed.push(entry);
    } else if (other !== entry) {
      assert.deepEqual(entry, other, `${id} applies another entry ${entry.index}`);
    }
  }

  private leads({ id, raft, disk }: TestNode): void {
    const known = this.leaders.get(raft.term);
    assert.equal(known ?? id, id, `term ${raft.term} has two leaders`);
    if (known !== undefined) return;
    this.leaders.set(raft.term, id);
    const log = disk.wholeLog;
    for (const { index, term } of this.committed) {
      assert.equal(log[index - 1]?.term, term, `leader ${id} of term ${raft.term} lacks committed entry ${index}`);
    }
  }
}
