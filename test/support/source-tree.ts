/** The files of this project as text, and which of them import which. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export const projectPath = resolve(import.meta.dirname, "../..");

export interface SourceFile {
  /** Relative to the project, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** A path as in `SourceFile` when it is one of this project, else the name of a package. */
  readonly target: string;
  readonly specifier: string;
}

const skippedFolders = new Set([".git", ".wrangler", "bench-results", "dist", "node_modules"]);
const binaryFile = /\.(?:gif|ico|jpe?g|png|sqlite|wasm|woff2?)$/;

/** Every text file but what tools make. */
export function readTree(folder = projectPath): SourceFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry): SourceFile[] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : readTree(path);
    if (!entry.isFile() || binaryFile.test(entry.name) || statSync(path).size > 4_000_000) return [];
    return [{ path: relative(projectPath, path).replaceAll("\\", "/"), text: readFileSync(path, "utf8") }];
  });
}

const importStatement =
  /^[ \t]*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|^[ \t]*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

export function readImports({ path, text }: SourceFile): Import[] {
  return [...text.matchAll(importStatement)].map((match): Import => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    if (!specifier.startsWith(".")) return { specifier, target: specifier };
    return { specifier, target: join(dirname(path), specifier).replaceAll("\\", "/") };
  });
}
