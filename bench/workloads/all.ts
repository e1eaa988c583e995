/**
 * All workloads, in their order.
 *
 * @module
 */
import type { Size, Workload } from "../workload.ts";
import { growthRecords, growthSegments, growthTopics } from "./growth.ts";
import { j1 } from "./j1_mapping.ts";
import { j2 } from "./j2_cluster.ts";
import { k1 } from "./k1_set.ts";
import { k2 } from "./k2_get.ts";
import { k3 } from "./k3_mixed.ts";
import { k4 } from "./k4_list.ts";
import { k5 } from "./k5_restart.ts";
import { k6 } from "./k6_compact.ts";
import { q1 } from "./q1_query.ts";
import { threads } from "./threads.ts";
import { w1 } from "./w1_append.ts";
import { w2 } from "./w2_durable.ts";
import { w3 } from "./w3_callers.ts";
import { w4 } from "./w4_scan.ts";
import { w5 } from "./w5_read_one.ts";
import { w6 } from "./w6_open.ts";
import { w7 } from "./w7_size.ts";
import { w8 } from "./w8_publish.ts";
import { w8b } from "./w8b_single.ts";
import { w9 } from "./w9_consume.ts";
import { w10 } from "./w10_start.ts";

const MEASURED = [w1, w2, w3, w4, w5, w6, w7, w8, w8b, w9, w10, threads, q1, j1, j2];
const KEYS_AND_VALUES = [k1, k2, k3, k4, k5, k6];
const GROWTH = [growthRecords, growthTopics, growthSegments];

export const WORKLOADS: readonly Workload[] = [...MEASURED, ...KEYS_AND_VALUES, ...GROWTH];

/** Those that are run when none is named: in short, the ones that need no server. */
export const DEFAULT_WORKLOADS: Readonly<Record<Size, readonly Workload[]>> = {
  short: [w1, w2, w3, w4, w5, w6, w7, ...KEYS_AND_VALUES],
  full: WORKLOADS,
};

/** The workload of this name. */
export function workloadNamed(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  throw new RangeError(
    `There is no workload "${name}": there are ${WORKLOADS.map((each) => each.name).join(", ")}`,
  );
}
