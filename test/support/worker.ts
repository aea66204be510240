/** The shipped Worker, with nodes that can be crashed and looked into by whoever holds their stub, and by nobody else. */

import { content } from "../../src/kv/content.ts";
import { KeyValueNode as ShippedNode } from "../../src/worker.ts";

export { default, KvNamespace, Raft } from "../../src/worker.ts";

export class KeyValueNode extends ShippedNode {
  override async fetch(request: Request): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/test/crash":
        // Memory is gone, and so is whatever was written but not yet durable.
        this.ctx.abort("crashed by a test");
        throw new Error("an aborted object went on");
      case "/test/content":
        return new Response([...content(this.ctx.storage.sql)].join("\n"));
      default:
        return super.fetch(request);
    }
  }
}
