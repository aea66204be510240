/** The Worker under test inside workerd: the shipped one, nodes that obey faults, and the objects of the output gate's test. */

export { Gate, Sink } from "./gate-objects.ts";
export { KeyValueNode } from "./faulty-node.ts";
export { NumberNode } from "./number-node.ts";
export { TimerNode } from "./timer-node.ts";
export { default, KvNamespace, Raft } from "../../src/worker.ts";
