/** What concurrent clients asked and what they were told, with the times that put some of it in order. */

export interface Operation<Call, Answer> {
  readonly client: string;
  readonly call: Call;
  readonly invokedAtMs: number;
  /** Null when the outcome is not known: it took effect at some time since, or will yet, or never does. */
  readonly completion: Completion<Answer> | null;
}

export interface Completion<Answer> {
  readonly atMs: number;
  readonly answer: Answer;
}

/** What was known of a history at a time: later operations are left out, and those still open have no outcome. */
export function historyUntil<Call, Answer>(
  operations: readonly Operation<Call, Answer>[],
  atMs: number,
): Operation<Call, Answer>[] {
  return operations
    .filter(({ invokedAtMs }) => invokedAtMs <= atMs)
    .map((operation) => {
      const { completion } = operation;
      return completion === null || completion.atMs <= atMs ? operation : { ...operation, completion: null };
    });
}
