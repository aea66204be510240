/** Reads a stream of server-sent events, as a browser would. */

/** A message of a stream of server-sent events. */
export interface Told {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

export class EventReader {
  readonly response: Response;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly decoder = new TextDecoder();
  private text = "";

  constructor(response: Response) {
    this.response = response;
    if (response.body === null) throw new Error("a stream without a body");
    this.reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  /** The next event; undefined when the stream has ended. Comments and the time to wait are left out. */
  async next(): Promise<Told | undefined> {
    for (;;) {
      const end = this.text.indexOf("\n\n");
      if (end !== -1) {
        const block = this.text.slice(0, end);
        this.text = this.text.slice(end + 2);
        const told = readEvent(block);
        if (told !== undefined) return told;
        continue;
      }
      const { done, value } = await this.reader.read();
      if (done) return undefined;
      this.text += this.decoder.decode(value, { stream: true });
    }
  }

  async take(count: number): Promise<Told[]> {
    const taken: Told[] = [];
    while (taken.length < count) {
      const told = await this.next();
      if (told === undefined) throw new Error(`the stream ended after ${taken.length} of ${count} events`);
      taken.push(told);
    }
    return taken;
  }

  async cancel(): Promise<void> {
    await this.reader.cancel();
  }
}

function readEvent(block: string): Told | undefined {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    }),
  );
  const [event, data] = [fields.get("event"), fields.get("data")];
  if (event === undefined || data === undefined) return undefined;
  return { event, id: fields.get("id"), data: JSON.parse(data) as Record<string, unknown> };
}
