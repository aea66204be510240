/** Configurations and their changes as bytes, for the log and for frames. */

import { MalformedError } from "../bytes/reader.ts";
import type { ByteReader } from "../bytes/reader.ts";
import type { ByteWriter } from "../bytes/writer.ts";
import type { ConfigurationChange, MemberChange } from "../raft/configuration-change.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";

// Positions in these lists are numbers for ever: they are in logs.
const changeTypes: readonly MemberChange["type"][] = ["addVoter", "addLearner", "remove", "addPromotable"];
const transitions: readonly ConfigurationChange["transition"][] = ["auto", "implicit", "explicit", "forced"];
/** Added to the number of a change that has attributes. */
const attributesFollow = 0x80;

export function writeChange(writer: ByteWriter, { changes, transition }: ConfigurationChange): void {
  writer.u8(transitions.indexOf(transition)).u16(changes.length);
  for (const { type, id, attributes } of changes) {
    const number = changeTypes.indexOf(type);
    if (attributes === undefined) writer.u8(number).text(id);
    else {
      writer
        .u8(number + attributesFollow)
        .text(id)
        .text(attributes);
    }
  }
}

export function readChange(reader: ByteReader): ConfigurationChange {
  const transition = pick(transitions, reader.u8());
  return { changes: readList(reader, readMemberChange), transition };
}

function readMemberChange(reader: ByteReader): MemberChange {
  const number = reader.u8();
  const change = { type: pick(changeTypes, number % attributesFollow), id: reader.text() };
  return number < attributesFollow ? change : { ...change, attributes: reader.text() };
}

export function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  const { voters, outgoing, learners, learnersNext, autoLeave, promoting } = configuration;
  for (const ids of [voters, outgoing, learners, learnersNext, promoting]) {
    writer.u16(ids.length);
    for (const id of ids) writer.text(id);
  }
  writer.u8(Number(autoLeave));
  const attributes = Object.entries(configuration.attributes);
  writer.u16(attributes.length);
  for (const [id, text] of attributes) writer.text(id).text(text);
}

export function readConfiguration(reader: ByteReader): Configuration {
  const ids = (): NodeId[] => readList(reader, () => reader.text());
  const [voters, outgoing, learners, learnersNext, promoting] = [ids(), ids(), ids(), ids(), ids()];
  const autoLeave = reader.u8();
  if (autoLeave > 1) throw new MalformedError("a flag is 0 or 1");
  const attributes = Object.fromEntries(readList(reader, () => [reader.text(), reader.text()] as const));
  return { voters, outgoing, learners, learnersNext, autoLeave: autoLeave === 1, promoting, attributes };
}

function readList<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const count = reader.u16();
  // Every item is a text at least, and so takes four bytes at least.
  if (count * 4 > reader.remaining) throw new MalformedError("more items than bytes");
  return Array.from({ length: count }, () => read(reader));
}

function pick<T>(list: readonly T[], position: number): T {
  const found = list[position];
  if (found === undefined) throw new MalformedError("unknown kind of change");
  return found;
}
