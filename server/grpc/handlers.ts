/**
 * All services, as handlers by path, without any socket.
 *
 * @module
 */
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Services } from "../exchange.ts";
import { createGate } from "./gate.ts";
import { addHealthService } from "./health_service.ts";
import { addIngestionService } from "./ingestion_service.ts";
import { addKvService } from "./kv_service.ts";
import { DEADLINE_MS_MAX } from "./limits.ts";
import { addLogService } from "./log_service.ts";
import { addReflection } from "./reflection.ts";

/** Handlers by path: `/seglog.v1.LogService/Produce`. */
export type Handlers = ReadonlyMap<string, UniversalHandler>;

/** Handlers for gRPC, gRPC-Web and Connect. */
export function createHandlers(services: Services, messageBytesMax: number): Handlers {
  const router = createConnectRouter({
    requestGate: createGate(services),
    readMaxBytes: messageBytesMax,
    maxTimeoutMs: DEADLINE_MS_MAX,
    // For people: an offset of 0 is told, and a member that is misspelled is not missed.
    jsonOptions: { alwaysEmitImplicit: true, ignoreUnknownFields: false },
    // What comes in is unpacked before; this names what is understood to those who use another.
    acceptCompression: [compressionGzip],
  });
  addLogService(router, services);
  addIngestionService(router, services);
  addKvService(router, services);
  addHealthService(router, services);
  addReflection(router, services);
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}
