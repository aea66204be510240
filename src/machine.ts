/** The contract between a replicated log and the state machine that it drives. */

/** A value as SQLite stores it. */
export type SqlValue = ArrayBuffer | string | number | null;

/** One row, by column name. */
export type SqlRow = Record<string, SqlValue>;

/** What a statement gives back: rows, read lazily, and what they cost. The shape of Cloudflare's `SqlStorageCursor`. */
export interface SqlCursor<Row extends SqlRow> extends Iterable<Row> {
  toArray(): Row[];
  /** Rows written so far, as Cloudflare bills them: each changed row of a table or an index is one. */
  readonly rowsWritten: number;
}

/**
 * Synchronous SQL, as `ctx.storage.sql` offers it inside a Durable Object and `node:sqlite` does in the simulator.
 * Statements run in the transaction of the turn that applies them: a throw undoes all of it.
 */
export interface Sql {
  exec<Row extends SqlRow>(statement: string, ...bindings: (SqlValue | Uint8Array)[]): SqlCursor<Row>;
}

/** A committed command, in log order. */
export interface CommittedCommand {
  /** Its place in the log. Commands of one state machine come with strictly rising indexes, each exactly once. */
  readonly index: number;
  readonly term: number;
  /**
   * Cluster time, in milliseconds, when the leader accepted the command: the time in the entry before, and what leaders have
   * measured since. Never less than that of any earlier entry; it stands still while there is no leader. The only time
   * that a state machine may use.
   */
  readonly timeMs: number;
  /** The bytes given to `propose`. A view on a shared buffer: copy what is kept. */
  readonly command: Uint8Array;
}

/**
 * A deterministic state machine over SQL (Raft paper, section 2). Every node applies the same commands in the same order
 * and must come to the same state: no clock, no randomness, nothing from outside the command.
 */
export interface StateMachine {
  /**
   * The names of the tables that hold all of its state. A node that is too far behind for the log gets their rows from
   * the leader as they were at one moment, while commands go on being applied; its own are replaced in one transaction,
   * and a state machine is made anew over them. Snapshots need nothing else of a state machine.
   *
   * Every table needs a primary key without nulls, and whole numbers below 2^53. A unique key compares plain columns
   * byte by byte. Foreign keys, triggers and views on these tables are not supported; an index that was made by
   * `CREATE INDEX` is, and is built anew when the table is replaced. A row may take 2 MB.
   */
  readonly tables: readonly string[];

  /**
   * Applies committed commands in order and answers each with its result's bytes. Runs in the same transaction as the
   * applied index, so each command takes effect exactly once. Total: a command that can't be done, even a malformed one,
   * is answered with a result that says so. A throw means a broken invariant: the transaction is undone and the node
   * restarts, with a state machine made anew.
   */
  apply(commands: readonly CommittedCommand[]): Uint8Array[];

  /**
   * The result that `apply` would give if it were given this command alone and next, told without writing anything; null
   * where that takes more than to look. It spares the caller of a lone command the wait for the leader's disk: the command
   * is answered when a majority has stored it, and applied a few milliseconds later, or before whatever is asked next.
   */
  foresee?(command: CommittedCommand): Uint8Array | null;

  /**
   * Answers a read from the present state. Writes nothing. Total, as `apply` is. `timeMs` is the cluster time as far as this
   * node knows it: it may be ahead of the newest command's, or behind that of the leader.
   */
  query(query: Uint8Array, timeMs: number): Uint8Array;

  /** The cluster time at which something is to happen by itself, such as the end of a lease; null for never. */
  nextTimerMs?(): number | null;

  /** The command that the leader proposes when that time has come, once until it is applied. */
  timerCommand?(): Uint8Array;

  /**
   * Opens a stream of messages about the state, on whichever node the subscriber has reached. Total: a request that can't be
   * met is answered with a message that says so, and the end. What was published is held back until it is durable here.
   */
  subscribe?(request: Uint8Array, sink: Sink): Subscription;

  /** Commands were applied and are stored: the time to tell subscribers. */
  publish?(): void;

  /** Whether there is more to tell subscribers than they had room for: then time passes for them, in a group at rest, too. */
  owesMessages?(): boolean;
}

/** Where the messages of a subscription go. */
export interface Sink {
  /** How many bytes of earlier messages the subscriber's connection has not taken yet. */
  readonly pendingBytes: number;
  /** Sends one message. A text is sent as text where the connection tells the two apart. */
  write(message: Uint8Array | string): void;
  /** Ends the stream: the last call. */
  end(): void;
}

export interface Subscription {
  /**
   * The request that goes on behind the last message that was written, without its opening: given to another state machine
   * when this one is replaced, or made anew.
   */
  resumption(): Uint8Array;
  /** Time has passed: for what a stream says by itself. */
  tick?(nowMs: number): void;
  /** The subscriber is gone. */
  close(): void;
}
