/** What is counted of an object, and how it is asked for that. */

/** What has happened at an object in all its lives: one that leaves memory forgets, its isolate does not. */
export interface Activity {
  /** Requests that reached it, but for those that ask for this. */
  requests: number;
  /** Calls that it made to other objects. */
  calls: number;
  alarmsSet: number;
  alarmsFired: number;
}

/** The path that is answered with an object's activity, and changes none of it. */
export const activityPath = "/activity";
