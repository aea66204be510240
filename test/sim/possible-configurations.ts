/** Which configurations may be in force now or soon, and whom they need. */

import {
  changeConfiguration,
  type ConfigurationChange,
  leaveJoint,
  type MemberChange,
} from "../../src/raft/configuration-change.ts";
import { type Configuration, isJoint, isMember } from "../../src/raft/configuration.ts";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import { majority } from "../../src/raft/quorum.ts";
import type { Setup } from "./setup.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** A configuration with the members that it would have if all that waits for it came to pass. */
interface Possible {
  readonly configuration: Configuration;
  /** Their storages are yet to be made. */
  readonly newcomers: ReadonlySet<NodeId>;
}

/** @param asked what somebody has asked a leader for, and which is not yet in any log */
export function possibleConfigurations(
  { checks }: Setup,
  nodes: readonly SimulatedNode[],
  asked: readonly MemberChange[],
): readonly Possible[] {
  const { ledger } = checks;
  const none: ReadonlySet<NodeId> = new Set();
  const inLogs = [...ledger.configurationsInForce];
  for (const node of nodes) {
    for (const entries of [durableEntries(node, ledger.lastIndex), liveEntries(node, ledger.lastIndex)]) {
      let configuration = ledger.configuration;
      for (const { change } of entries) {
        if (change === undefined) continue;
        configuration = after(configuration, change);
        inLogs.push(configuration);
      }
    }
  }
  const known = inLogs.flatMap((configuration) => [configuration, completed(configuration)]);
  const possible = known.map((configuration) => ({ configuration, newcomers: none }));
  if (asked.length === 0) return possible;
  const newcomers = new Set(asked.map(({ id }) => id));
  const change: ConfigurationChange = { changes: asked, transition: "auto" };
  const changed = known.flatMap((before) => [after(before, change), completed(after(before, change))]);
  return [...possible, ...changed.map((configuration) => ({ configuration, newcomers }))];
}

/** Whether these nodes can decide everything, whichever of the configurations is in force. */
export function canDecide({ checks }: Setup, nodes: readonly SimulatedNode[], possible: readonly Possible[]): boolean {
  return possible.every(({ configuration, newcomers }) => {
    const counts = (id: NodeId): boolean => {
      const node = nodes.find((each) => each.id === id);
      if (node === undefined) return false;
      return newcomers.has(id) || checks.images.meantBy(configuration, id) === node.image;
    };
    const { voters, outgoing, promoting } = configuration;
    // Whoever waits to be promoted makes a majority larger, and may be of no help.
    const halves = [[...voters, ...promoting.filter((id) => !counts(id))], outgoing];
    return halves.every((half) => half.length === 0 || half.filter(counts).length >= majority(half.length));
  });
}

/** Whether a node has lost the storage that its group knows it by, and is still counted on. */
export function isLost({ checks }: Setup, { id, image }: SimulatedNode): boolean {
  const { configuration } = checks.ledger;
  return isMember(configuration, id) && checks.images.meantBy(configuration, id) !== image;
}

function durableEntries({ image }: SimulatedNode, behind: number): readonly Entry[] {
  return image.log.slice(Math.max(0, behind - image.beginning.index));
}

function liveEntries({ instance }: SimulatedNode, behind: number): readonly Entry[] {
  const log = instance?.driver?.raft.log;
  if (log === undefined || log.lastIndex <= behind || log.firstIndex > behind + 1) return [];
  return log.read(behind + 1, log.lastIndex, Number.POSITIVE_INFINITY);
}

function after(before: Configuration, change: ConfigurationChange): Configuration {
  const outcome = changeConfiguration(before, change);
  return outcome.changed ? outcome.configuration : before;
}

function completed(configuration: Configuration): Configuration {
  return isJoint(configuration) ? after(configuration, leaveJoint) : configuration;
}
