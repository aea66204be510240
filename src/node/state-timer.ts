/** What the state machine wants to happen by itself: the core learns when, and gets the command when it is time. */

import type { StateMachine } from "../machine.ts";
import type { Raft } from "../raft/raft.ts";

export class StateTimer {
  private readonly raft: Raft;
  private isTold = false;

  constructor(raft: Raft) {
    this.raft = raft;
  }

  /** The state may have changed. */
  changed(): void {
    this.isTold = false;
  }

  /** Tells the core when the next timer is due, if that may matter to this node: while it leads, and while it rests. */
  tell(machine: StateMachine): void {
    if (this.isTold || (this.raft.role !== "leader" && !this.raft.quiescent)) return;
    this.isTold = true;
    this.raft.awaitTimer(machine.timerCommand === undefined ? null : (machine.nextTimerMs?.() ?? null));
  }

  /** Proposes what is due at this leader. */
  propose(machine: StateMachine, nowMs: number): void {
    if (!this.raft.timerIsDue(nowMs)) return;
    const command = machine.timerCommand?.();
    if (command !== undefined) this.raft.proposeTimer(command, nowMs);
  }
}
