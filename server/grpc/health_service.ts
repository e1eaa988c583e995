/**
 * Health as every client of gRPC asks for it: serving until the server stops.
 *
 * @module
 */
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import type { Services } from "../exchange.ts";
import { type Call, streaming, unary } from "./call.ts";
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus as Status,
} from "./generated/grpc/health/v1/health_pb.js";
import { IngestionService } from "./generated/seglog/v1/ingestion_service_pb.js";
import { KvService } from "./generated/seglog/v1/kv_service_pb.js";
import { LogService } from "./generated/seglog/v1/log_service_pb.js";

/** What can be asked after; an empty name is the server as a whole. */
const NAMES: readonly string[] = [
  "",
  ...[LogService, IngestionService, KvService, Health].map(({ typeName }) => typeName),
];

/** Adds `grpc.health.v1.Health`. */
export function addHealthService(router: ConnectRouter, services: Services): void {
  router.service(Health, {
    check: unary(services, check),
    list: unary(services, list),
    watch: streaming(services, watch),
  });
}

/** Whether the server takes calls. */
export function isServing({ stopping, everything }: Services): boolean {
  return !stopping.aborted && everything.following?.isReady !== false;
}

function check({ service }: HealthCheckRequest, { services }: Call) {
  if (!NAMES.includes(service)) {
    throw new ConnectError(
      `Cannot tell how ${JSON.stringify(service.slice(0, 200))} is: it is not served here`,
      Code.NotFound,
    );
  }
  return { status: statusNow(services) };
}

function list(_request: unknown, { services }: Call) {
  const status = statusNow(services);
  return { statuses: Object.fromEntries(NAMES.map((name) => [name, { status }])) };
}

/**
 * Tells how it is, and when that changes: a copy has everything, or the server stops, which ends it.
 */
async function* watch({ service }: HealthCheckRequest, { services, signal }: Call) {
  const isKnown = NAMES.includes(service);
  yield { status: isKnown ? statusNow(services) : Status.SERVICE_UNKNOWN };
  const { following } = services.everything;
  if (isKnown && following?.isReady === false) {
    await Promise.race([aborted(signal), following.ready]);
    if (!signal.aborted) yield { status: statusNow(services) };
  }
  await aborted(signal);
  if (isKnown && services.stopping.aborted) yield { status: Status.NOT_SERVING };
}

function statusNow(services: Services): Status {
  return isServing(services) ? Status.SERVING : Status.NOT_SERVING;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
