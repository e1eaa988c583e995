/**
 * The figures that several workloads have.
 *
 * @module
 */
import type { Figure, Size } from "../workload.ts";

export const RECORDS_PER_SECOND: Figure = {
  key: "recordsPerSecond",
  label: "records/s",
  better: "more",
  isCompared: true,
};

export const READS_PER_SECOND: Figure = {
  key: "readsPerSecond",
  label: "reads/s",
  better: "more",
  isCompared: true,
};

export const RESIDENT: Figure = {
  key: "residentMiB",
  label: "resident MiB",
  better: "less",
};

/** The median latency, and what one call of a hundred takes longer than. */
export const LATENCIES: readonly Figure[] = [
  { key: "p50Ms", label: "p50 ms", better: "less" },
  { key: "p99Ms", label: "p99 ms", better: "less", isCompared: true },
];

/** How long the measured part of one run takes, in seconds. */
export function secondsOf(size: Size): number {
  return size === "short" ? 0.5 : 1;
}
