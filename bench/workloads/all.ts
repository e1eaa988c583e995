/**
 * All workloads, in their order.
 *
 * @module
 */
import type { Workload } from "../workload.ts";
import { w1 } from "./w1_append.ts";
import { w4 } from "./w4_scan.ts";
import { w5 } from "./w5_read_one.ts";

export const WORKLOADS: readonly Workload[] = [w1, w4, w5];

/** The workload of this name. */
export function workloadNamed(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  throw new RangeError(
    `There is no workload "${name}": there are ${WORKLOADS.map((each) => each.name).join(", ")}`,
  );
}
