/** What is going to happen, ordered by time and, at equal times, by when it was decided. */

export interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** A binary heap. */
export class EventQueue {
  private readonly heap: Event[] = [];
  private sequence = 0;

  get size(): number {
    return this.heap.length;
  }

  /** When the next event happens; infinite when there is none. */
  get nextMs(): number {
    return this.heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, run: () => void): void {
    const { heap } = this;
    const event = { atMs, sequence: this.sequence, run };
    this.sequence += 1;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (!precedes(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes out the next event; undefined when there is none. */
  take(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.sink(last);
    return first;
  }

  /** Puts an event in the place of the first, and lower as long as another precedes it. */
  private sink(event: Event): void {
    const { heap } = this;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && precedes(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      const below = heap[child] as Event;
      if (!precedes(below, event)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = event;
  }
}

function precedes(event: Event, other: Event): boolean {
  return event.atMs < other.atMs || (event.atMs === other.atMs && event.sequence < other.sequence);
}
