/**
 * What the server counts.
 *
 * @module
 */
import { Registry } from "prom-client";
import { RECOGNIZED } from "../access/access.ts";
import { isOperator, mayDo } from "../access/principal.ts";
import { jsonAnswer, wholeAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { JSON_TYPE, negotiate, TEXT_TYPE } from "../media_types.ts";
import { partitionSamples } from "../metrics/partition_samples.ts";
import { volumeFacts } from "../volume.ts";

/** The route of metrics. */
export const METRICS_ROUTES: readonly Route[] = [
  { method: "GET", path: "/metrics", access: RECOGNIZED, handle: metrics },
];

/** Text for Prometheus; JSON when asked for, and then with what is kept of blobs. */
async function metrics(exchange: Exchange): Promise<Response> {
  const type = negotiate(exchange.request, [TEXT_TYPE, JSON_TYPE]);
  const meters = await metersFor(exchange);
  if (type === TEXT_TYPE) return wholeAnswer(meters.contentType, await meters.metrics());
  return jsonAnswer({ ...await volumeFacts(exchange), meters: await meters.getMetricsAsJSON() });
}

/** Whoever runs the server sees all; anybody else the partitions that they may read. */
async function metersFor({ principal, backend, services }: Exchange): Promise<Registry> {
  const shows = (topic: string) => mayDo(principal, "consume", topic);
  const partitions = await partitionSamples({ backend, shows });
  return isOperator(principal)
    ? Registry.merge([services.metrics.registry, partitions])
    : partitions;
}
