/**
 * Inputs that once found something, kept for ever: `corpus/<target>/<hash>.bin`, replayed by a test
 * on every run.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FuzzTarget } from "./target.ts";

const CORPUS = fileURLToPath(new URL("corpus", import.meta.url));

/** One kept input. */
export interface KeptInput {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is kept for a target, by name. */
export function keptInputs(target: FuzzTarget): KeptInput[] {
  const folder = join(CORPUS, target.name);
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).toSorted().map((name) => ({
    name,
    bytes: new Uint8Array(fs.readFileSync(join(folder, name))),
  }));
}

/** Keeps an input, and returns where. */
export function keep(target: FuzzTarget, input: Uint8Array): string {
  const folder = join(CORPUS, target.name);
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, `${createHash("sha256").update(input).digest("hex").slice(0, 8)}.bin`);
  fs.writeFileSync(path, input);
  return path;
}
