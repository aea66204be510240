/** `npm run conformance:api [URL]`: replays what etcd's JSON gateway was recorded to answer; a line a pair, then the sum. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replayPair } from "./conformance/api-replay.ts";
import type { RecordedPair } from "./conformance/api-replay.ts";
import type { Variables } from "./conformance/expectation.ts";
import { startLocalCluster } from "./lib/local-cluster.ts";
import { formatTally } from "./lib/tally.ts";

const file = "../shared/conformance/etcd-api-golden.json";

if (!existsSync(file)) {
  console.log(`no recorded answers at ${file}: nothing to compare`);
  process.exit(0);
}

// The file is a recording; a pair of another shape fails in the replay.
const pairs = JSON.parse(readFileSync(file, "utf8")) as readonly RecordedPair[];
const given = process.argv[2];
const failed = await (given === undefined ? replayLocally() : replayAll(new URL(given)));
console.log(formatTally({ passed: pairs.length - failed, failed }));
process.exit(failed === 0 ? 0 : 1);

/** Against a cluster that is started for it alone. */
async function replayLocally(): Promise<number> {
  const statePath = mkdtempSync(join(tmpdir(), "durable-raft-conformance-"));
  const cluster = await startLocalCluster({ statePath });
  try {
    await cluster.untilReady(30_000);
    return await replayAll(cluster.url);
  } finally {
    await cluster.stop();
    rmSync(statePath, { recursive: true });
  }
}

/** How many pairs are answered otherwise than recorded. They build on each other, so they go in order. */
async function replayAll(base: URL): Promise<number> {
  const variables: Variables = new Map();
  let differing = 0;
  for (const pair of pairs) {
    const found = await replayPair(base, pair, variables);
    if (found !== undefined) differing += 1;
    console.log(found === undefined ? `as recorded  ${pair.name}` : `differs      ${pair.name}: ${found}`);
  }
  return differing;
}
