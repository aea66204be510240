/** Lets Node load modules that import what only workerd has. */

import { registerHooks } from "node:module";

const url = new URL("durable-object.ts", import.meta.url).href;

/** To be called before any of them is loaded. */
export function provideWorkerdModules(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers" ? { url, shortCircuit: true } : next(specifier, context),
  });
}
