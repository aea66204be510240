/** The write paths of `npm run bench:kv` inside Durable Objects, one object for each. */

import { DurableObject } from "cloudflare:workers";
import { batchWrites, Contestant } from "./kv-contestants.ts";
import type { ContestantName, Segment } from "./kv-contestants.ts";

interface Environment {
  readonly CONTESTANT: DurableObjectNamespace;
}

/** What an object is asked: to write a part of a segment. */
export interface Part {
  readonly name: ContestantName;
  readonly segment: Segment;
  readonly first: number;
  readonly count: number;
}

export interface PartWritten {
  readonly rowsWritten: number;
  readonly databaseBytes: number;
}

export class ContestantObject extends DurableObject<Environment> {
  private contestant: Contestant | null = null;

  override async fetch(request: Request): Promise<Response> {
    const { name, segment, first, count }: Part = await request.json();
    this.contestant ??= new Contestant(name, this.ctx.storage.sql);
    let rowsWritten = 0;
    for (let at = first; at < first + count; at += batchWrites) {
      rowsWritten += this.contestant.writeBatch(segment, at);
      // Each batch is on the disk before the next one begins, as the turns of a node are.
      await this.ctx.storage.sync();
    }
    const written: PartWritten = { rowsWritten, databaseBytes: this.ctx.storage.sql.databaseSize };
    return Response.json(written);
  }
}

export default {
  async fetch(request: Request, env: Environment): Promise<Response> {
    return await env.CONTESTANT.getByName(new URL(request.url).pathname).fetch(request);
  },
} satisfies ExportedHandler<Environment>;
