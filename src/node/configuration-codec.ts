/** Configurations and their changes as bytes, for the log and for frames. */

import { MalformedError } from "../bytes/reader.ts";
import type { ByteReader } from "../bytes/reader.ts";
import type { ByteWriter } from "../bytes/writer.ts";
import type { ConfigurationChange, MemberChange } from "../raft/configuration-change.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";

// Positions in these lists are numbers for ever: they are in logs.
const changeTypes: readonly MemberChange["type"][] = ["addVoter", "addLearner", "remove"];
const transitions: readonly ConfigurationChange["transition"][] = ["auto", "implicit", "explicit"];

export function writeChange(writer: ByteWriter, { changes, transition }: ConfigurationChange): void {
  writer.u8(transitions.indexOf(transition)).u16(changes.length);
  for (const { type, id } of changes) writer.u8(changeTypes.indexOf(type)).text(id);
}

export function readChange(reader: ByteReader): ConfigurationChange {
  const transition = pick(transitions, reader.u8());
  const changes = readList(reader, () => ({ type: pick(changeTypes, reader.u8()), id: reader.text() }));
  return { changes, transition };
}

export function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  for (const ids of [voters, outgoing, learners, learnersNext]) {
    writer.u16(ids.length);
    for (const id of ids) writer.text(id);
  }
  writer.u8(Number(autoLeave));
}

export function readConfiguration(reader: ByteReader): Configuration {
  const ids = (): NodeId[] => readList(reader, () => reader.text());
  const [voters, outgoing, learners, learnersNext] = [ids(), ids(), ids(), ids()];
  const autoLeave = reader.u8();
  if (autoLeave > 1) throw new MalformedError("a flag is 0 or 1");
  return { voters, outgoing, learners, learnersNext, autoLeave: autoLeave === 1 };
}

function readList<T>(reader: ByteReader, read: () => T): T[] {
  const count = reader.u16();
  // Every item is a text at least, and so takes four bytes at least.
  if (count * 4 > reader.remaining) throw new MalformedError("more items than bytes");
  return Array.from({ length: count }, read);
}

function pick<T>(list: readonly T[], position: number): T {
  const found = list[position];
  if (found === undefined) throw new MalformedError("unknown kind of change");
  return found;
}
