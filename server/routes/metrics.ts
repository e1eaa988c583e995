/**
 * What the server counts.
 *
 * @module
 */
import { Registry } from "prom-client";
import { isInternalTopic } from "../../core/format/file_names.ts";
import { RECOGNIZED } from "../access/access.ts";
import { DEFAULT_TENANT, isOperator, mayDo } from "../access/principal.ts";
import { jsonAnswer, wholeAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { JSON_TYPE, negotiate, TEXT_TYPE } from "../media_types.ts";
import { partitionSamples, type SampledView } from "../metrics/partition_samples.ts";
import type { TenantServices } from "../tenant_services.ts";
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
async function metersFor(exchange: Exchange): Promise<Registry> {
  const { principal, backend, services, tenant } = exchange;
  if (isOperator(principal)) {
    const partitions = await partitionSamples(await viewsOfAll(exchange));
    return Registry.merge([services.metrics.registry, partitions]);
  }
  const shows = (topic: string) => mayDo(principal, "consume", topic);
  return await partitionSamples([{ backend, shows, ...groupsOf(tenant) }]);
}

async function viewsOfAll({ services }: Exchange): Promise<SampledView[]> {
  const { tenants } = services.desk;
  const shows = (topic: string) => !isInternalTopic(topic);
  return [...await tenants.book.names()].toSorted().map((name) => ({
    tenant: name === DEFAULT_TENANT ? undefined : name,
    backend: tenants.of(name).backend,
    ...groupsOf(tenants.of(name)),
    shows,
  }));
}

/** Of several servers, the one that coordinates groups measures them. */
function groupsOf({ coordinated }: TenantServices): Pick<SampledView, "groups"> {
  return coordinated === undefined ? {} : { groups: coordinated };
}
