/**
 * All workloads, in their order.
 *
 * @module
 */
import type { Size, Workload } from "../workload.ts";
import { w1 } from "./w1_append.ts";
import { w2 } from "./w2_durable.ts";
import { w3 } from "./w3_callers.ts";
import { w4 } from "./w4_scan.ts";
import { w5 } from "./w5_read_one.ts";
import { w6 } from "./w6_open.ts";
import { w7 } from "./w7_size.ts";

export const WORKLOADS: readonly Workload[] = [w1, w2, w3, w4, w5, w6, w7];

/** Those that are run when none is named. */
export const DEFAULT_WORKLOADS: Readonly<Record<Size, readonly string[]>> = {
  short: ["W1", "W2", "W3", "W4", "W5", "W6", "W7"],
  full: ["W1", "W2", "W3", "W4", "W5", "W6", "W7"],
};

/** The workload of this name. */
export function workloadNamed(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  throw new RangeError(
    `There is no workload "${name}": there are ${WORKLOADS.map((each) => each.name).join(", ")}`,
  );
}
