/**
 * How the server is, and what it is.
 *
 * @module
 */
import { OPEN, RECOGNIZED } from "../access/access.ts";
import process from "node:process";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { jsonAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { identity, volumeFacts } from "../volume.ts";

/** The routes of health, and of what the server can do. */
export const HEALTH_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1", access: RECOGNIZED, handle: about },
  { method: "GET", path: "/livez", access: OPEN, handle: live },
  { method: "GET", path: "/readyz", access: OPEN, handle: ready },
  { method: "GET", path: "/health", access: RECOGNIZED, handle: health },
];

/** What a client asks first: that this is seglog, and what it can do. */
function about({ backend, services }: Exchange): Response {
  const { epoch, following } = services.everything;
  return jsonAnswer({
    name: "seglog",
    version: services.version,
    ...backend.capabilities,
    ...epoch === undefined ? {} : { epoch },
    ...following === undefined ? {} : { source: following.source },
    recordShape: 1,
    batchFormat: 1,
  });
}

function live(): Response {
  return jsonAnswer({ status: "ok" });
}

/** Ready is: not stopping, topics can be listed, and a copy has had everything once. */
async function ready({ backend, services }: Exchange): Promise<Response> {
  if (services.stopping.aborted) {
    throw new SeglogError("unavailable", "Cannot take requests: the server is stopping");
  }
  const { following } = services.everything;
  if (following?.isReady === false) {
    const lag = following.partitions.reduce((sum, each) => sum + each.lag, 0);
    throw new SeglogError(
      "unavailable",
      `Cannot take requests yet: the copy of ${following.source} is being made; ` +
        (following.isConnected ? `it is ${lag} records behind` : "the source does not answer"),
      { details: { source: following.source, lag, isConnected: following.isConnected } },
    );
  }
  await backend.listTopics();
  return jsonAnswer({ status: "ok" });
}

async function health(exchange: Exchange): Promise<Response> {
  const { services, backend } = exchange;
  const facts = {
    version: services.version,
    kind: backend.capabilities.kind,
    canWrite: backend.capabilities.canWrite,
    uptimeSeconds: Math.round(process.uptime()),
    ...identity(services),
  };
  try {
    await ready(exchange);
    const topics = (await backend.listTopics()).length;
    const { total_keys: keys, total_segments: segments, total_mb } = await volumeFacts(exchange);
    return jsonAnswer({ status: "ok", ...facts, topics, keys, segments, total_mb });
  } catch (error) {
    const reason = error instanceof SeglogError ? messageOf(error) : "internal error";
    return jsonAnswer({ status: "unavailable", ...facts, reason }, { status: 503 });
  }
}
