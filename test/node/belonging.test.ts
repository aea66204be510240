/** Who belongs to a group: whose frames a node takes, and what it learns about itself from those that are not taken. */

import { describe, expect, test } from "vitest";
import { encodeAttributes } from "../../src/node/attributes.ts";
import { Belonging } from "../../src/node/belonging.ts";
import type { Frame } from "../../src/node/frame.ts";
import { type FrameRefusal, FrameRefusedError } from "../../src/node/frame-refusal.ts";
import type { Within } from "../../src/node/gatekeeper.ts";
import { generationOf, recoveredGroupId } from "../../src/node/identity.ts";
import { MembershipStorage } from "../../src/node/membership-storage.ts";
import type { StoredNode } from "../../src/node/storage.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Message } from "../../src/raft/message.ts";
import { NodeSql } from "../support/node-sql.ts";

const three = simpleConfiguration(["n1", "n2", "n3"]);
const withAttributes = (configuration: Configuration, id: string, storageId: string): Configuration => ({
  ...configuration,
  attributes: { ...configuration.attributes, [id]: encodeAttributes({ storageId }) },
});

/** The node n1 over storage that outlives it. */
class Subject {
  readonly sql = new NodeSql();
  within: Omit<Within, "members"> = { term: 3, leads: false, leader: "n2", appliedIndex: 10 };
  belonging: Belonging;
  readonly told: string[] = [];
  private readonly stored: StoredNode;

  constructor(joined = false, configuration = three) {
    this.stored = {
      identity: { group: "g", node: "n1", groupId: "f00d", storageId: "mine" },
      incarnation: 1,
      configuration,
      hardState: { term: 0, vote: null },
      quiescent: false,
      log: { firstIndex: 1, lastIndex: 0, previousTerm: 0, previousTimeMs: 0, appliedIndex: 0 },
    };
    new MembershipStorage(this.sql).create(joined, configuration);
    this.belonging = this.open(configuration);
  }

  get standing(): string {
    return this.belonging.enrolment.standing;
  }

  restart(configuration = three): void {
    this.belonging = this.open(configuration);
  }

  /** What a frame from a peer is answered: a refusal's code, or null when it is taken. */
  takes(from: string, more: Partial<Frame> = {}): FrameRefusal["code"] | null {
    const own = { groupId: "f00d", from, to: "n1", storageId: `storage of ${from}`, incarnation: 1, toStorageId: "" };
    try {
      this.belonging.gatekeeper.check({ ...own, messages: [], ...more });
      return null;
    } catch (error) {
      if (error instanceof FrameRefusedError) return error.refusal.code;
      throw error;
    }
  }

  private open(configuration: Configuration): Belonging {
    return new Belonging(
      new MembershipStorage(this.sql),
      { ...this.stored, configuration },
      {
        within: () => this.within,
        onRetired: ({ standing }) => void this.told.push(standing),
        listedHint: (id) => `near ${id}`,
      },
    );
  }
}

const vote = (from: string): Message => ({
  type: "requestVote",
  from,
  to: "n1",
  term: 2,
  preVote: true,
  transfer: false,
  lastLogIndex: 0,
  lastLogTerm: 0,
  commitIndex: 0,
  commitTerm: 0,
  question: 0,
});

const beat: Message = {
  type: "heartbeat",
  from: "n9",
  to: "n1",
  term: 9,
  commitIndex: 0,
  round: 1,
  timeMs: 500,
  electionMinMs: 150,
  leaseMs: 0,
  quiesce: false,
};

describe("hazard-36 a peer", () => {
  test("is known by the storage that it was first seen with, after a restart too", () => {
    const subject = new Subject();
    expect(subject.belonging.gatekeeper.storageIdOf("n2", [])).toBe("");
    expect(subject.takes("n2")).toBeNull();
    subject.restart();
    expect(subject.belonging.gatekeeper.storageIdOf("n2", [])).toBe("storage of n2");
    expect(subject.takes("n2", { storageId: "another" })).toBe("stranger");
    expect(subject.takes("n2")).toBeNull();
  });

  test("that is no member is not remembered", () => {
    const subject = new Subject();
    expect(subject.takes("n9", { storageId: "one" })).toBeNull();
    expect(subject.takes("n9", { storageId: "two" })).toBeNull();
  });

  test("is forgotten when it is removed, and comes back as somebody else", () => {
    const subject = new Subject();
    subject.takes("n2");
    subject.belonging.configured(simpleConfiguration(["n1", "n3"]));
    subject.belonging.configured(three);
    subject.restart();
    expect(subject.takes("n2", { storageId: "another" })).toBeNull();
    expect(subject.takes("n2")).toBe("stranger");
  });

  test("is who the configuration says, even if this node saw another one before and missed its removal", () => {
    const subject = new Subject();
    subject.takes("n2");
    subject.belonging.configured(withAttributes(three, "n2", "added later"));
    expect(subject.takes("n2")).toBe("stranger");
    expect(subject.takes("n2", { storageId: "added later" })).toBeNull();
  });

  test("that was added again while this node was away is followed, answered, and asked for nothing", () => {
    const subject = new Subject();
    const { gatekeeper } = subject.belonging;
    subject.takes("n2");
    const back = { storageId: "added again" };
    const asked = { ...vote("n2"), type: "requestVote" as const, commitIndex: 10 } as Message;
    expect(subject.takes("n2", { ...back, messages: [asked] })).toBe("stranger");
    expect(subject.takes("n2", { ...back, messages: [] })).toBe("stranger");
    expect(gatekeeper.storageIdOf("n2", [])).toBe("storage of n2");
    const reply: Message = { type: "heartbeatReply", from: "n1", to: "n2", term: 9, round: 1, quiesced: false };
    // A majority that knows it has elected it.
    expect(subject.takes("n2", { ...back, messages: [{ ...beat, from: "n2" }] })).toBeNull();
    expect(gatekeeper.storageIdOf("n2", [reply])).toBe("added again");
    // Its vote would count as that of the node which had the name before.
    expect(gatekeeper.storageIdOf("n2", [{ ...vote("n1"), to: "n2" }])).toBe("storage of n2");
    // Whoever knows more that is committed than this node was made a member by it.
    expect(subject.takes("n2", { ...back, messages: [{ ...asked, commitIndex: 11 } as Message] })).toBeNull();
    subject.belonging.configured(withAttributes(three, "n2", "added once more"));
    expect(subject.takes("n2", { storageId: "added once more" })).toBeNull();
    expect(gatekeeper.storageIdOf("n2", [reply])).toBe("added once more");
  });

  test("is told where the group is when it asks the leader for votes and is no member any more", () => {
    const subject = new Subject();
    subject.within = { term: 3, leads: true, leader: "n1", appliedIndex: 20 };
    expect(subject.takes("n9", { messages: [vote("n9")] })).toBe("removed");
    expect(subject.takes("n2", { messages: [vote("n2")] })).toBeNull();
    // It may lead a later term, by a configuration that is not known here.
    expect(subject.takes("n9", { messages: [beat] })).toBeNull();
    subject.within = { term: 3, leads: false, leader: "n2", appliedIndex: 20 };
    expect(subject.takes("n9", { messages: [vote("n9")] })).toBeNull();
  });

  test.each<[string, readonly Message[]]>([
    ["asks for a read", [{ type: "readIndexRequest", from: "n9", to: "n1", term: 2, contexts: [1] }]],
    ["asks for nothing but this", []],
  ])("is told so, too, when it never votes and %s", (_, messages) => {
    const subject = new Subject();
    expect(subject.takes("n9", { messages })).toBeNull();
    subject.within = { term: 3, leads: true, leader: "n1", appliedIndex: 20 };
    expect(subject.takes("n9", { messages })).toBe("removed");
    expect(subject.takes("n2", { messages })).toBeNull();
  });
});

describe("hazard-36 a node that wrangler.toml lists", () => {
  test("is a member from the beginning", () => {
    expect(new Subject().standing).toBe("member");
  });

  test.each<[string, (subject: Subject) => void]>([
    ["a frame is meant for another", (subject) => void subject.takes("n2", { toStorageId: "the one before" })],
    [
      "its own frame is refused",
      ({ belonging }) => belonging.gatekeeper.consider({ code: "stranger", message: "" }, "n2"),
    ],
  ])("knows for good that its storage was lost when %s", (_, happens) => {
    const subject = new Subject();
    happens(subject);
    expect([subject.standing, subject.told]).toEqual(["fenced", ["fenced"]]);
    expect(subject.belonging.configured(three)).toBe(false);
    subject.restart();
    expect(subject.standing).toBe("fenced");
    expect(subject.takes("n2")).toBe("fenced");
    expect(subject.belonging.enrolment.reason).toContain("n2");
  });

  test("takes a frame that is meant for it", () => {
    const subject = new Subject();
    expect(subject.takes("n2", { toStorageId: "mine" })).toBeNull();
    expect(subject.standing).toBe("member");
  });

  test("is removed when its configuration says so, and stays so", () => {
    const subject = new Subject();
    const without = simpleConfiguration(["n2", "n3"]);
    expect(subject.belonging.configured(without)).toBe(false);
    expect(subject.standing).toBe("removed");
    subject.restart(without);
    expect(subject.standing).toBe("removed");
    // Its vote may be all that others need who do not know of the removal yet.
    expect(subject.takes("n2")).toBeNull();
    subject.belonging.configured(withAttributes(three, "n1", "the next one"));
    expect(subject.standing).toBe("removed");
  });
});

describe("hazard-23 the word of a leader that a node is removed", () => {
  const members = [{ id: "n2", role: "voter", promoting: false }] as const;
  const removed = (appliedIndex: number): FrameRefusal => {
    return { code: "removed", message: "", leader: "n2", members, appliedIndex };
  };

  test("holds when that leader knows more of the log than the node", () => {
    const subject = new Subject();
    subject.belonging.gatekeeper.consider(removed(11), "n2");
    expect(subject.standing).toBe("removed");
    expect(subject.belonging.members).toEqual(members);
    subject.restart();
    expect(subject.belonging.enrolment.retirement).toMatchObject({ leader: "n2", members });
  });

  test("does not when it may be that the node was added since", () => {
    const subject = new Subject();
    subject.belonging.gatekeeper.consider(removed(10), "n2");
    expect(subject.standing).toBe("member");
    const joining = new Subject(true, simpleConfiguration(["n2"]));
    joining.belonging.gatekeeper.consider(removed(99), "n2");
    expect(joining.standing).toBe("joining");
  });
});

describe("a node that a leader asked to join", () => {
  test("waits, although the group once had a member of its name, until it is named with its own storage", () => {
    const subject = new Subject(true);
    expect(subject.standing).toBe("joining");
    expect(subject.belonging.configured(simpleConfiguration(["n2", "n3"]))).toBe(false);
    expect(subject.standing).toBe("joining");
    expect(subject.belonging.configured(withAttributes(three, "n1", "the one before"))).toBe(false);
    expect(subject.belonging.configured(withAttributes(three, "n1", "mine"))).toBe(true);
    expect(subject.standing).toBe("member");
    subject.belonging.configured(simpleConfiguration(["n2", "n3"]));
    expect(subject.standing).toBe("removed");
  });

  test("takes frames of those alone who mean its storage: a vote for another one is not its to give", () => {
    const subject = new Subject(true);
    expect(subject.takes("n2")).toBe("joining");
    expect(subject.takes("n2", { toStorageId: "the one before" })).toBe("replaced");
    expect(subject.takes("n2", { toStorageId: "mine" })).toBeNull();
  });

  test("is not put off by who still knows the storage before", () => {
    const subject = new Subject(true, withAttributes(three, "n1", "mine"));
    subject.takes("n2", { toStorageId: "the one before" });
    subject.belonging.gatekeeper.consider({ code: "stranger", message: "" }, "n2");
    expect(subject.standing).toBe("member");
  });
});

describe("hazard-37 a node of a group that was recovered without it", () => {
  const later = recoveredGroupId("f00d", () => 0.5);

  test("learns it from either side, and takes no part any more", () => {
    expect([generationOf("f00d"), generationOf(later), generationOf(recoveredGroupId(later, () => 0))]).toEqual([
      0, 1, 2,
    ]);
    const called = new Subject();
    expect(called.takes("n2", { groupId: later })).toBe("other_group");
    const caller = new Subject();
    caller.belonging.gatekeeper.consider({ code: "other_group", message: "", groupId: later }, "n2");
    for (const subject of [called, caller]) {
      subject.restart();
      expect(subject.standing).toBe("superseded");
      expect(subject.takes("n3")).toBe("fenced");
    }
  });

  test("is not deceived by a group that is merely another one", () => {
    const subject = new Subject();
    expect(subject.takes("n2", { groupId: "beef" })).toBe("other_group");
    subject.belonging.gatekeeper.consider({ code: "other_group", message: "", groupId: "beef" }, "n2");
    expect(subject.standing).toBe("member");
  });
});

test("members are told with the region where they are, as the group was told or as wrangler.toml says", () => {
  const subject = new Subject();
  const attributes = {
    n2: encodeAttributes({ storageId: "s", locationHint: "oc" }),
    n3: encodeAttributes({ storageId: "t" }),
  };
  subject.belonging.configured({ ...three, learners: ["constructor"], promoting: ["constructor"], attributes });
  expect(subject.belonging.members).toEqual([
    { id: "constructor", role: "learner", promoting: true, locationHint: "near constructor" },
    { id: "n1", role: "voter", promoting: false, locationHint: "near n1" },
    { id: "n2", role: "voter", promoting: false, locationHint: "oc" },
    { id: "n3", role: "voter", promoting: false },
  ]);
});
