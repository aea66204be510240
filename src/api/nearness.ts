/** How far the nodes of groups are from this isolate, as the time that their answers took tells. */

/** An isolate may call any number of nodes, and must not grow with them: those called first are forgotten first. */
const maxNodes = 10_000;
/** Nodes whose answers take about the same time are equally near. */
const sameMs = 20;

export class Nearness {
  /** By the name of the node's object, in milliseconds. */
  private readonly roundTrips = new Map<string, number>();

  /** A node has answered at once. */
  answered(name: string, afterMs: number): void {
    const before = this.roundTrips.get(name);
    if (before === undefined && this.roundTrips.size >= maxNodes) this.forgetFirst();
    // An answer may have waited for an object to start: one alone does not move a node far.
    this.roundTrips.set(name, before === undefined ? afterMs : (before + afterMs) / 2);
  }

  /** The nearest first, and those last of whom nothing is known; equally near ones in a different order each time. */
  sort<Node>(nodes: readonly Node[], nameOf: (node: Node) => string): Node[] {
    const distances = nodes.map((node) => {
      const roundTripMs = this.roundTrips.get(nameOf(node)) ?? Number.POSITIVE_INFINITY;
      return { node, distance: Math.floor(roundTripMs / sameMs), chance: Math.random() };
    });
    const order = distances.toSorted((one, other) =>
      one.distance === other.distance ? one.chance - other.chance : one.distance - other.distance,
    );
    return order.map(({ node }) => node);
  }

  private forgetFirst(): void {
    for (const name of this.roundTrips.keys()) {
      this.roundTrips.delete(name);
      return;
    }
  }
}
