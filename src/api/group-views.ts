/** What this isolate last saw of each group: where it stood, and which node led it. */

import type { MemberSpecification } from "../internal.ts";
import type { Position } from "./position.ts";

interface GroupView {
  position: Position;
  /** Null when nobody was named, or when the named node has failed since. */
  leader: string | null;
  /** Null as long as nothing else is known than what wrangler.toml lists. */
  members: GroupMembers | null;
}

/** Who belongs to a group, as a node said that had applied the group's log up to `index`. */
export interface GroupMembers {
  readonly members: readonly MemberSpecification[];
  readonly index: number;
  readonly generation: number;
}

/** An isolate may serve any number of groups, and must not grow with them: those seen first are forgotten first. */
const maxGroups = 10_000;

export class GroupViews {
  private readonly views = new Map<string, GroupView>();

  position(group: string): Position | undefined {
    return this.views.get(group)?.position;
  }

  leader(group: string): string | null {
    return this.views.get(group)?.leader ?? null;
  }

  /** Takes note of a node's answer, unless one of a later term has been seen. Returns whether it did. */
  see(group: string, position: Position): boolean {
    const view = this.views.get(group);
    if (view === undefined) {
      if (this.views.size >= maxGroups) this.forgetFirst();
      this.views.set(group, { position, leader: position.leader, members: null });
      return true;
    }
    const since = position.generation - view.position.generation;
    // Whoever was left behind by a recovery may still answer, and even be led by a node of a later term.
    if (since < 0 || (since === 0 && Number(position.term) < Number(view.position.term))) return false;
    view.position = position;
    view.leader = position.leader;
    return true;
  }

  /** The node did not answer as a leader: look for one anew, unless that has been done meanwhile. */
  distrust(group: string, node: string): void {
    const view = this.views.get(group);
    if (view?.leader === node) view.leader = null;
  }

  members(group: string): readonly MemberSpecification[] | undefined {
    return this.views.get(group)?.members?.members;
  }

  /** Takes note of a group's members, unless a node has said later ones. The group has been seen. */
  learn(group: string, members: GroupMembers): void {
    const view = this.views.get(group);
    if (view === undefined || members.members.length === 0) return;
    const { generation = 0, index = -1 } = view.members ?? {};
    const later = members.generation > generation || (members.generation === generation && members.index >= index);
    if (later) view.members = members;
  }

  /** None of the known members answers: begin again with those that wrangler.toml lists. */
  forgetMembers(group: string): void {
    const view = this.views.get(group);
    if (view !== undefined) view.members = null;
  }

  private forgetFirst(): void {
    for (const group of this.views.keys()) {
      this.views.delete(group);
      return;
    }
  }
}
