/**
 * What the server counts.
 *
 * @module
 */
import { RECOGNIZED } from "../access/access.ts";
import { jsonAnswer, wholeAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { JSON_TYPE, negotiate, TEXT_TYPE } from "../media_types.ts";
import { volumeFacts } from "../volume.ts";

/** The route of metrics. */
export const METRICS_ROUTES: readonly Route[] = [
  { method: "GET", path: "/metrics", access: RECOGNIZED, handle: metrics },
];

/** Text for Prometheus; JSON when asked for, and then with what is kept of blobs. */
async function metrics(exchange: Exchange): Promise<Response> {
  const { request, services } = exchange;
  const type = negotiate(request, [TEXT_TYPE, JSON_TYPE]);
  if (type === JSON_TYPE) {
    const facts = await volumeFacts(exchange);
    return jsonAnswer({ ...facts, meters: await services.metrics.json() });
  }
  return wholeAnswer(services.metrics.textType, await services.metrics.text());
}
