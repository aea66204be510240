/** The state machine that the package exports. */

export { KeyValueStore as KeyValueMachine } from "./store-machine.ts";
