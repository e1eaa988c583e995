/**
 * `seglog.v1.LogService`: append to topics, read and follow them.
 *
 * @module
 */
import type { ConnectRouter } from "@connectrpc/connect";
import type { Services } from "../exchange.ts";
import { type Call, streaming, unary } from "./call.ts";
import { consume } from "./consume.ts";
import { consumeStream } from "./consume_stream.ts";
import { LogService } from "./generated/seglog/v1/log_service_pb.js";
import { produce, produceStream } from "./produce.ts";

/** Adds the service. */
export function addLogService(router: ConnectRouter, services: Services): void {
  router.service(LogService, {
    produce: unary(services, produce),
    produceStream: streaming(services, produceStream),
    consume: unary(services, consume),
    consumeStream: streaming(services, consumeStream),
    getServers: unary(services, getServers),
  });
}

/** One server owns a folder, and so it leads; its address is the one that the client has found. */
function getServers(_request: unknown, { services, context }: Call) {
  const { host } = new URL(context.url);
  const { volumeId, version } = services;
  return { servers: [{ id: volumeId, rpcAddress: host, isLeader: true, version }] };
}
