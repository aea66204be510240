/**
 * What the package exports: the base class of replicated objects, the contract of state machines, the key-value store
 * that is built on them, and what other Workers may bind of it.
 */

export type {
  CommittedCommand,
  Sink,
  Sql,
  SqlCursor,
  SqlRow,
  SqlValue,
  StateMachine,
  Subscription,
} from "./machine.ts";
export { maxCommandBytes } from "./node/client-calls.ts";
export { ReplicatedObject } from "./node/replicated-object.ts";

export { type Env, readMembers, readTiming, type Timing } from "./env.ts";
export type { MemberRole, MemberSpecification, NodeStatus, PeerStatus } from "./internal.ts";
export {
  type Consistency,
  internalHeader,
  internalOrigin,
  internalPath,
  objectName,
  type Refusal,
  type RefusalCode,
  refusalStatus,
} from "./internal.ts";

export { KvNamespace, type KvNamespaceProps } from "./binding/kv-namespace.ts";
export { Raft } from "./binding/raft.ts";
export type { BindingProps } from "./binding/session.ts";
/** What goes over the binding `Raft`. */
export type * as binding from "./binding/types.ts";

export { createApp } from "./api/app.ts";
export { ApiError } from "./api/errors.ts";
export {
  type BatchAnswer,
  ClusterClient,
  type MessageStream,
  type NodeAnswer,
  type SubscribeOptions,
  type SubscribeRequest,
} from "./api/cluster.ts";
export { maxBatchBytes, maxBatchCommands } from "./batch.ts";
export type { Target } from "./api/target.ts";
export { KeyValueNode } from "./kv-node.ts";
export { KeyValueMachine } from "./kv/machine.ts";
