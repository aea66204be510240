/** Keeps two processes from running on one folder of state, which SQLite files do not survive. */

import { mkdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** The file that is held. */
export const lockName = "lock.sqlite";

/** Another process holds the folder. */
export class StateInUseError extends Error {
  override readonly name = "StateInUseError";
}

/** Holds the folder until the returned function is called or this process is gone, however it ends. */
export function lockState(statePath: string): () => void {
  mkdirSync(statePath, { recursive: true });
  const database = new DatabaseSync(`${statePath}/${lockName}`);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw new StateInUseError(`another process uses the state in ${statePath}`, { cause: error });
  }
  return () => database.close();
}
