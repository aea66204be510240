/** The folder that keeps the state of `npm start`: nothing of anybody else's is written over or deleted there. */

import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { lockName, lockState } from "./state-lock.ts";

/** What a cluster makes in its folder, beside the lock, which is the first thing there and stays. */
const madeThere = ["do", "cache", "members.json", "nodes.log"];

/**
 * Makes the folder if there is none. Throws an `Error` for one that can't be made, and for one that holds something and is
 * not of a cluster: what lies there belongs to somebody else.
 */
export function claimStateFolder(statePath: string): void {
  try {
    makeFolder(statePath);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`no state can be kept in ${statePath}: ${reason}`, { cause: error });
  }
  const entries = readdirSync(statePath);
  if (entries.length === 0 || entries.includes(lockName)) return;
  throw new Error(`${statePath} is not empty, and not the state of a cluster: nothing was changed there`);
}

/** Deletes all that a cluster has stored in a folder that was claimed. Throws a `StateInUseError` while one runs on it. */
export function forgetState(statePath: string): void {
  const unlock = lockState(statePath);
  try {
    for (const name of madeThere) rmSync(`${statePath}/${name}`, { recursive: true, force: true });
  } finally {
    unlock();
  }
}

/** One folder after the other: asked for all of them at once, Node never ends where a file system takes none. */
function makeFolder(path: string): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw new Error(`${path} is a file`);
    return;
  }
  makeFolder(dirname(path));
  mkdirSync(path);
}
