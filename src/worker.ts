/** The Worker: the public API in front, and the class of the objects behind it. */

import { createApp } from "./api/app.ts";

export { KeyValueNode } from "./kv-node.ts";

export default createApp();
