/**
 * What a run of the benchmark found, as it is kept in a file.
 *
 * @module
 */
import type { Figure, Figures, Params } from "./workload.ts";

/** A run on one runtime. */
export interface Results {
  readonly command: string;
  readonly date: string;
  readonly runtime: string;
  readonly machine: Machine;
  /** Versions of what was measured, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly workloads: readonly WorkloadResults[];
}

/** Where it ran. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly fileSystem: string;
}

/** One workload's results. */
export interface WorkloadResults {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly cases: readonly CaseResults[];
}

/** Those of one case. */
export interface CaseResults {
  readonly name: string;
  readonly params: Params;
  readonly systems: readonly SystemResults[];
}

/** Those of one system: a sample a round, or why there is none. */
export interface SystemResults {
  readonly system: string;
  /** `null` for a round that failed. */
  readonly samples: readonly (Figures | null)[];
  /** Why the system was not measured, or what went wrong. */
  readonly missing?: string;
}

/** One figure's samples, a place for each round. */
export function samplesOf(results: SystemResults, key: string): (number | undefined)[] {
  return results.samples.map((figures) => figures?.[key]);
}
