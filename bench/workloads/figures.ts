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

/** How long the measured part of one run takes, in seconds. */
export function secondsOf(size: Size): number {
  return size === "short" ? 0.5 : 1;
}
