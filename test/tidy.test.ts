/** The rules of this house that no compiler or linter knows. */

import { describe, expect, test } from "vitest";
import { readImports, readTree } from "./support/source-tree.ts";

const tree = readTree();
const modules = tree.filter(({ path }) => /^(?:src|scripts|test)\/.*\.ts$/.test(path));
const imports = modules.flatMap((file) => readImports(file).map((found) => ({ path: file.path, ...found })));

/** What the modules of each folder may import, beside their own folder. Imports run one way: down this table. */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  "src/bytes/": [],
  "src/raft/": [],
  "src/machine.ts": [],
  "src/membership.ts": [],
  "src/internal.ts": ["src/membership.ts"],
  "src/env.ts": ["src/internal.ts"],
  "src/parts.ts": ["src/bytes/"],
  "src/batch.ts": ["src/bytes/", "src/internal.ts", "src/parts.ts"],
  "src/kv/": ["src/bytes/", "src/machine.ts"],
  "src/node/": [
    "src/batch.ts",
    "src/bytes/",
    "src/env.ts",
    "src/internal.ts",
    "src/machine.ts",
    "src/membership.ts",
    "src/parts.ts",
    "src/raft/",
    "cloudflare:workers",
  ],
  "src/api/": [
    "src/batch.ts",
    "src/bytes/",
    "src/env.ts",
    "src/internal.ts",
    "src/kv/",
    "src/membership.ts",
    "src/parts.ts",
    "hono",
  ],
  "src/kv-node.ts": ["src/env.ts", "src/kv/", "src/machine.ts", "src/node/"],
  "src/binding/": ["src/api/", "src/env.ts", "src/kv/", "cloudflare:workers"],
  "src/worker.ts": ["src/api/", "src/binding/", "src/env.ts", "src/kv-node.ts"],
  "src/index.ts": ["src/"],
};

const isWithin = (target: string, place: string): boolean =>
  place.endsWith("/") ? target.startsWith(place) : target === place || target.startsWith(`${place}/`);

describe("imports", () => {
  test("run one way", () => {
    const placeOf = (path: string) => Object.keys(allowedImports).find((place) => isWithin(path, place));
    const wrong = imports
      .filter(({ path }) => path.startsWith("src/"))
      .filter(({ path, target }) => {
        const place = placeOf(path);
        if (place === undefined) return true;
        return ![place, ...(allowedImports[place] ?? [])].some((allowed) => isWithin(target, allowed));
      });
    expect(wrong.map(({ path, target }) => `${path} imports ${target}`)).toEqual([]);
  });

  test("of the driver stay free of the platform", () => {
    const reached = new Set(["src/node/driver.ts"]);
    for (const path of reached) {
      for (const { target } of imports.filter((found) => found.path === path)) reached.add(target);
    }
    expect(reached.size).toBeGreaterThan(5);
    expect([...reached].filter((target) => !target.startsWith("src/"))).toEqual([]);
  });

  test("name their file in full", () => {
    const wrong = imports.filter(({ specifier }) => specifier.startsWith(".") && !specifier.endsWith(".ts"));
    expect(wrong.map(({ path, specifier }) => `${path} imports ${specifier}`)).toEqual([]);
  });

  test("reach every module, or a path in a script does", () => {
    const entries = /^src\/(?:index|worker)\.ts$|\.test\.ts$|\.d\.ts$|\/tsconfig\.json$/;
    const dead = modules.filter(({ path }) => {
      if (entries.test(path)) return false;
      // A test of its own does not bring a module to life.
      const ownTest = path.replace(/^src\//, "test/").replace(/\.ts$/, ".test.ts");
      if (imports.some((found) => found.target === path && found.path !== ownTest)) return false;
      return !tree.some((file) => file.path !== path && !file.path.endsWith(".md") && file.text.includes(path));
    });
    expect(dead.map(({ path }) => path)).toEqual([]);
  });
});

describe("text", () => {
  test("opens each module with one sentence", () => {
    const wrong = modules.filter(({ text }) => {
      const opening = /^(?:#!.*\n)?\/\*\* ?((?:(?!\*\/)[^])*)\*\//.exec(text)?.[1];
      const paragraph = opening?.trim().split(/\n \*\s*\n/)[0];
      const sentence = paragraph?.replaceAll(/\s*\n \*\s*/g, " ").trim() ?? "";
      return !/^[^]+\.$/.test(sentence) || /[.!?] [A-Z]/.test(sentence);
    });
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("leaves nothing to be done later", () => {
    const postponed = /\b(?:TO[D]O|FIX[M]E|XX[X]|for no[w]|not implemente[d]|simplifie[d])\b/i;
    const wrong = tree.filter(({ path, text }) => path !== "package-lock.json" && postponed.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("names no machine and no registry", () => {
    const foreign = /\bregistry\.(?:npm|yarn)|(?<![\w.~-])\/(?:home|root|Users|work|opt)\/\w/;
    const wrong = tree.filter(({ text }) => foreign.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("is printed in src by the structured log alone", () => {
    const wrong = modules.filter(({ path, text }) => path.startsWith("src/") && /\bconsole\b/.test(text));
    expect(wrong.map(({ path }) => path)).toEqual(["src/node/log-lines.ts"]);
  });
});

describe("packages", () => {
  test("are pinned to exact versions", () => {
    const manifest = JSON.parse(tree.find(({ path }) => path === "package.json")?.text ?? "{}") as {
      readonly dependencies: Readonly<Record<string, string>>;
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.length).toBeGreaterThan(5);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
  });
});
