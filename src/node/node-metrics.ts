/** Which figures of a node are published, under which names. */

import type { Driver } from "./driver.ts";
import { type Counter, type Histogram, type Labels, MetricsRegistry } from "./metrics.ts";

const secondBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const sizeBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;

/** What the metrics read from the node when they are asked for. */
export interface MetricsSource {
  readonly driver: Driver;
  readonly rowsWritten: number;
  /** How often the alarm was set. */
  readonly alarmsSet: number;
  readonly incarnation: number;
}

export class NodeMetrics {
  readonly heartbeatsMissed: Counter;
  readonly peerCalls: Counter;
  readonly configurationChanges: Counter;
  readonly changesRefused: Counter;
  readonly transfers: Counter;
  readonly framesRefused: Counter;
  readonly snapshotsSent: Counter;
  readonly snapshotsInstalled: Counter;
  readonly snapshotBytes: Counter;
  readonly compactedEntries: Counter;
  readonly commitSeconds: Histogram;
  readonly applyDelaySeconds: Histogram;
  readonly batchEntries: Histogram;
  private readonly registry = new MetricsRegistry();

  constructor(source: () => MetricsSource) {
    const { registry } = this;
    this.heartbeatsMissed = registry.counter(
      "durable_raft_heartbeats_missed_total",
      "Heartbeats sent as leader whose call failed, by peer.",
    );
    this.peerCalls = registry.counter("durable_raft_peer_calls_total", "Calls to peers, by peer and result.");
    this.configurationChanges = registry.counter(
      "durable_raft_configuration_changes_total",
      "Configurations that came into force at this node.",
    );
    this.changesRefused = registry.counter(
      "durable_raft_membership_changes_refused_total",
      "Changes of the members that this node did not make, by reason.",
    );
    this.transfers = registry.counter(
      "durable_raft_transfers_total",
      "Transfers of leadership that this leader began, by how they ended.",
    );
    this.framesRefused = registry.counter(
      "durable_raft_frames_refused_total",
      "Frames of peers that this node did not take, by reason.",
    );
    this.snapshotsSent = registry.counter(
      "durable_raft_snapshots_sent_total",
      "Snapshots whose sending has ended, by peer and result. A failed one goes on at a later heartbeat.",
    );
    this.snapshotsInstalled = registry.counter(
      "durable_raft_snapshots_installed_total",
      "Snapshots that have replaced this node's state.",
    );
    this.snapshotBytes = registry.counter(
      "durable_raft_snapshot_bytes_total",
      "Bytes of pages of snapshots, by direction.",
    );
    this.compactedEntries = registry.counter(
      "durable_raft_compacted_entries_total",
      "Entries of the log that were forgotten because the state stands for them.",
    );
    this.commitSeconds = registry.histogram(
      "durable_raft_commit_seconds",
      "From the proposal at this leader until it was committed and applied.",
      secondBounds,
    );
    this.applyDelaySeconds = registry.histogram(
      "durable_raft_apply_delay_seconds",
      "From the storing of an entry here until it was applied.",
      secondBounds,
    );
    this.batchEntries = registry.histogram(
      "durable_raft_batch_entries",
      "Entries written to the log in one transaction.",
      sizeBounds,
    );
    registerRaft(registry, source);
  }

  text(base: Labels): string {
    return this.registry.text(base);
  }
}

const roles = ["follower", "preCandidate", "candidate", "leader"] as const;

function registerRaft(registry: MetricsRegistry, source: () => MetricsSource): void {
  const gauge = (name: string, help: string, read: (source: MetricsSource) => number): void => {
    registry.observed("gauge", name, help, () => [{ value: read(source()) }]);
  };
  const counter = (name: string, help: string, read: (source: MetricsSource) => number): void => {
    registry.observed("counter", name, help, () => [{ value: read(source()) }]);
  };
  registry.observed("gauge", "durable_raft_role", "1 for the role that the node has, 0 for the others.", () =>
    roles.map((role) => ({ labels: { role }, value: Number(source().driver.raft.role === role) })),
  );
  gauge("durable_raft_term", "The node's term.", ({ driver }) => driver.raft.term);
  gauge("durable_raft_log_first_index", "The first entry in the log.", ({ driver }) => driver.raft.log.firstIndex);
  gauge("durable_raft_log_last_index", "The last entry in the log.", ({ driver }) => driver.raft.log.lastIndex);
  gauge("durable_raft_commit_index", "The last committed entry.", ({ driver }) => driver.raft.log.commitIndex);
  gauge("durable_raft_applied_index", "The last applied entry.", ({ driver }) => driver.raft.log.appliedIndex);
  gauge("durable_raft_incarnation", "How often the node has started.", ({ incarnation }) => incarnation);
  gauge(
    "durable_raft_subscribers",
    "Streams and WebSockets that this node serves.",
    ({ driver }) => driver.subscribers,
  );
  counter(
    "durable_raft_pre_votes_started_total",
    "Pre-votes started since the node started.",
    ({ driver }) => driver.raft.counters.preVotesStarted,
  );
  counter(
    "durable_raft_elections_started_total",
    "Elections started since the node started.",
    ({ driver }) => driver.raft.counters.electionsStarted,
  );
  counter(
    "durable_raft_elections_won_total",
    "Elections won since the node started.",
    ({ driver }) => driver.raft.counters.electionsWon,
  );
  counter(
    "durable_raft_heartbeats_sent_total",
    "Heartbeats sent since the node started.",
    ({ driver }) => driver.raft.counters.heartbeatsSent,
  );
  counter(
    "durable_raft_alarms_set_total",
    "How often the alarm was set since the node started: each is a row written.",
    ({ alarmsSet }) => alarmsSet,
  );
  counter(
    "durable_raft_rows_written_total",
    "Rows written to storage since the node started, as Cloudflare bills them.",
    ({ rowsWritten }) => rowsWritten,
  );
}
