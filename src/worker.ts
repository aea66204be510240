/** The Worker: the public API in front, what other Workers may bind, and the class of the objects behind it. */

import { createApp } from "./api/app.ts";

export { KvNamespace } from "./binding/kv-namespace.ts";
export { Raft } from "./binding/raft.ts";
export { KeyValueNode } from "./kv-node.ts";

export default createApp();
