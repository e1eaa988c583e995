/**
 * What a run of the benchmark found, and the files that keep it: one for each workload and runtime.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import type { RuntimeName } from "./runtimes.ts";
import type { Figure, Figures, Params } from "./workload.ts";

/** One workload on one runtime. */
export interface Results {
  readonly command: string;
  readonly date: string;
  readonly runtime: RuntimeName;
  /** Versions of the runtime and of what was measured, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: Machine;
  readonly rounds: number;
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly isGrowth?: boolean;
  readonly cases: readonly CaseResults[];
}

/** Where it ran. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly fileSystem: string;
}

/** Those of one case. */
export interface CaseResults {
  readonly name: string;
  readonly params: Params;
  readonly systems: readonly SystemResults[];
}

/** Those of one system: a sample for each round. */
export interface SystemResults {
  readonly system: string;
  /** `null` for a round that failed; the rounds after it are not there. */
  readonly samples: readonly (Figures | null)[];
  /** Why the system was not measured, or what went wrong. */
  readonly missing?: string;
}

/** One figure's samples, a place for each round. */
export function samplesOf(results: SystemResults, key: string): (number | undefined)[] {
  return results.samples.map((figures) => figures?.[key]);
}

/** Keeps results in a folder, instead of those of an earlier run. */
export function writeResults(folder: string, results: Results): void {
  fs.mkdirSync(folder, { recursive: true });
  const name = `${results.name}-${results.runtime}.json`;
  fs.writeFileSync(join(folder, name), `${JSON.stringify(results, null, 2)}\n`);
}

/** All results that a folder keeps, by the names of their files. */
export function readResults(folder: string): Results[] {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).filter((name) => name.endsWith(".json")).toSorted()
    .map((name) => JSON.parse(fs.readFileSync(join(folder, name), "utf8")));
}
