/** What goes wrong in the groups under test: told by the tests, obeyed by their nodes in the same isolate. */

import type { Env } from "../../src/env.ts";

export interface Activity {
  calls: number;
  alarmsSet: number;
  alarmsFired: number;
}

/** Objects are named as the platform names them: `group/node`. */
class Faults {
  /** Calls and answers between pairs of objects that are lost, as `from>to`. */
  private readonly cuts = new Set<string>();
  private readonly variables = new Map<string, Partial<Env>>();
  private readonly failing = new Set<string>();
  private readonly spoiling = new Set<string>();
  /** Every call in these groups is made twice, the second time after the first was answered. */
  readonly repeatingGroups = new Set<string>();
  /** Something that is no node answers for these objects. */
  readonly missing = new Set<string>();

  /** What has happened at the objects of each group: calls that reached one, alarms that were set, and that fired. */
  readonly activity = new Map<string, Activity>();
  /** So many calls may follow from one event of these objects; the platform refuses more. */
  readonly budgets = new Map<string, number>();
  /** Calls that were refused because of that. */
  refusedCalls = 0;

  /** These objects take calls and do not answer them as long as they are here. */
  readonly silent = new Set<string>();

  /** Loses everything between two objects, both ways. */
  cut(one: string, other: string): void {
    this.cuts.add(`${one}>${other}`).add(`${other}>${one}`);
  }

  heal(): void {
    this.cuts.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from}>${to}`);
  }

  /** Gives an object other variables than the rest, from its next start on. */
  configure(object: string, variables: Partial<Env>): void {
    this.variables.set(object, { ...this.variables.get(object), ...variables });
  }

  variablesOf(object: string): Partial<Env> {
    return this.variables.get(object) ?? {};
  }

  /** Lets an object's state machine throw the next time, after it has written. */
  failApply(object: string): void {
    this.failing.add(object);
  }

  takeFailure(object: string): boolean {
    return this.failing.delete(object);
  }

  /** Lets the next state that an object writes be one that can't be committed, though writing it succeeds. */
  spoilApply(object: string): void {
    this.spoiling.add(object);
  }

  takeSpoil(object: string): boolean {
    return this.spoiling.delete(object);
  }

  /** The activity of an object's group, to be added to. */
  activityOf(object: string): Activity {
    const group = object.slice(0, object.indexOf("/"));
    const activity = this.activity.get(group) ?? { calls: 0, alarmsSet: 0, alarmsFired: 0 };
    this.activity.set(group, activity);
    return activity;
  }

  clear(): void {
    const { cuts, variables, failing, spoiling, repeatingGroups, missing, silent } = this;
    for (const set of [cuts, variables, failing, spoiling, repeatingGroups, missing, silent]) set.clear();
    this.activity.clear();
    this.budgets.clear();
    this.refusedCalls = 0;
  }
}

export const faults = new Faults();
