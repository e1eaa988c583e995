/**
 * How much consumer groups have not done yet, among the metrics.
 *
 * @module
 */
import { Gauge, type Registry } from "prom-client";
import type { GroupLag } from "../core/groups/group_views.ts";
import { METRIC_PARTITIONS_MAX } from "./limits.ts";

/** Adds the gauge, which asks for the lags whenever the metrics are looked at. */
export function addGroupGauge(
  registers: Registry[],
  lags: () => Promise<readonly GroupLag[]>,
): void {
  new Gauge({
    name: "seglog_group_lag",
    help: "Offsets that a consumer group has not committed yet.",
    labelNames: ["group", "topic", "partition"],
    registers,
    async collect() {
      this.reset();
      // What is wrong with groups keeps nobody from the other metrics.
      const all = await lags().catch(() => []);
      for (const { lag, ...labels } of all.slice(0, METRIC_PARTITIONS_MAX)) this.set(labels, lag);
    },
  });
}
