/** Whether npm, if it has started this process, still runs: one that is killed can't tell it to end. */

const lookMs = 500;

/** Calls back when npm has gone. Whoever else has started this process may go before it does. */
export function onOrphaned(orphaned: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    orphaned();
  }, lookMs);
  timer.unref();
}
