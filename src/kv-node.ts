/** The node of the key-value store: a Durable Object that replicates a `KeyValueMachine`. */

import { readHistoryLimit } from "./env.ts";
import { KeyValueMachine } from "./kv/machine.ts";
import type { Sql, StateMachine } from "./machine.ts";
import { ReplicatedObject } from "./node/replicated-object.ts";

export class KeyValueNode extends ReplicatedObject {
  protected override createStateMachine(sql: Sql): StateMachine {
    return new KeyValueMachine(sql, { retention: readHistoryLimit(this.env) });
  }
}
