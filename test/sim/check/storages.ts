/** Every storage that a node ever had under its name, and which of them a configuration means. */

import { attributesOf } from "../../../src/node/attributes.ts";
import type { Configuration } from "../../../src/raft/configuration.ts";
import type { NodeId } from "../../../src/raft/entry.ts";
import { DurableImage } from "../disk/durable-image.ts";

export class Storages {
  private readonly first: ReadonlyMap<NodeId, DurableImage>;
  private readonly later = new Map<string, DurableImage>();
  private readonly newest: Map<NodeId, DurableImage>;

  constructor(ids: readonly NodeId[]) {
    this.first = new Map(ids.map((id) => [id, new DurableImage()]));
    this.newest = new Map(this.first);
  }

  /** What a node has now. */
  get(id: NodeId): DurableImage | undefined {
    return this.newest.get(id);
  }

  /** A node has lost what it had, and gets an empty storage. */
  renew(id: NodeId, storageId: string): DurableImage {
    const image = new DurableImage();
    this.later.set(storageId, image);
    this.newest.set(id, image);
    return image;
  }

  /** The storage that counts when a configuration names a member; members of the first one are not named by theirs. */
  meantBy(configuration: Configuration, id: NodeId): DurableImage | undefined {
    const attributes = attributesOf(configuration, id);
    return (attributes === null ? undefined : this.later.get(attributes.storageId)) ?? this.first.get(id);
  }

  get ids(): readonly NodeId[] {
    return [...this.first.keys()];
  }
}
