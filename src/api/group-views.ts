/** What this isolate last saw of each group: where it stood, and which node led it. */

import type { Position } from "./position.ts";

interface GroupView {
  position: Position;
  /** Null when nobody was named, or when the named node has failed since. */
  leader: string | null;
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
      this.views.set(group, { position, leader: position.leader });
      return true;
    }
    if (Number(position.term) < Number(view.position.term)) return false;
    view.position = position;
    view.leader = position.leader;
    return true;
  }

  /** The node did not answer as a leader: look for one anew, unless that has been done meanwhile. */
  distrust(group: string, node: string): void {
    const view = this.views.get(group);
    if (view?.leader === node) view.leader = null;
  }

  private forgetFirst(): void {
    for (const group of this.views.keys()) {
      this.views.delete(group);
      return;
    }
  }
}
