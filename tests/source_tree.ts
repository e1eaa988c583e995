/**
 * The source files of the project, for the tests that look at them as text.
 *
 * @module
 */
import * as fs from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** One source file. Paths are relative to the root of the project, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** What a file imports: another file of the project, or a module by its name. */
export interface Import {
  readonly specifier: string;
  /** Path of the file, when the specifier is relative. */
  readonly path: string | undefined;
  /** Whether only types are imported, which is gone when the program runs. */
  readonly isType: boolean;
}

export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));
const SOURCE_FOLDERS = [
  "core",
  "tracing",
  "jetstream",
  "replica",
  "client",
  "server",
  "cli",
  "bench",
];
/** At the start of a line, so that an example in a doc comment is not one. */
const STATIC_IMPORT = /^(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"/gm;
const BARE_IMPORT = /^import\s+"([^"]+)"/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*"([^"]+)"/g;

/** `mod.ts` and every TypeScript file of the source folders. */
export function readSourceTree(): SourceFile[] {
  return ["mod.ts", ...SOURCE_FOLDERS.flatMap(filesIn)].map(readSource);
}

/** Every TypeScript file in a folder and below, without generated ones. */
export function filesIn(folder: string): string[] {
  if (!fs.existsSync(join(ROOT, folder))) return [];
  return fs.readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === "generated" ? [] : filesIn(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

/** One file with its imports. */
export function readSource(path: string): SourceFile {
  const text = fs.readFileSync(join(ROOT, path), "utf8");
  return { path, text, imports: importsOf(path, text) };
}

/** What the text of a file imports. */
export function importsOf(path: string, text: string): Import[] {
  const found = [STATIC_IMPORT, BARE_IMPORT, DYNAMIC_IMPORT].flatMap((pattern) => [
    ...text.matchAll(pattern),
  ]);
  return found.map(([statement, specifier]) => ({
    specifier: specifier!,
    path: specifier!.startsWith(".")
      ? normalize(join(dirname(path), specifier!)).replaceAll("\\", "/")
      : undefined,
    isType: /^(import|export) type\b/.test(statement),
  }));
}

/** The lines of a file that are not comments, with their numbers from 1. */
export function codeLines(file: SourceFile): { number: number; line: string }[] {
  return file.text.split("\n")
    .map((line, i) => ({ number: i + 1, line }))
    .filter(({ line }) => !/^\s*(\/\/|\/\*|\*)/.test(line));
}
