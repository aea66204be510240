/** The end of an instance in the middle of what it was doing. */

export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";
}
