/**
 * `seglog.v1.IngestionService`: taking records in from many senders.
 *
 * @module
 */
import type { ConnectRouter } from "@connectrpc/connect";
import type { Services } from "../exchange.ts";
import { type Call, streaming, unary } from "./call.ts";
import {
  type GetIngestionStatusRequest,
  HealthCheckResponse_Status as Status,
  IngestionService,
} from "./generated/seglog/v1/ingestion_service_pb.js";
import { isServing } from "./health_service.ts";
import { ingestBatch, ingestRecord } from "./ingest.ts";
import { ingestStream } from "./ingest_stream.ts";
import { totalsOf } from "./ingest_totals.ts";
import { boundsMessage } from "./messages.ts";

/** Adds the service. */
export function addIngestionService(router: ConnectRouter, services: Services): void {
  router.service(IngestionService, {
    ingestRecord: unary(services, ingestRecord),
    ingestBatch: unary(services, ingestBatch),
    ingestStream: streaming(services, ingestStream),
    getIngestionStatus: unary(services, getStatus),
    healthCheck: unary(services, healthCheck),
  });
}

async function getStatus({ topic }: GetIngestionStatusRequest, { visitor }: Call) {
  const totals = totalsOf(visitor.tenant);
  const partitions = topic === "" ? [] : (await visitor.backend.describeTopic(topic)).partitions;
  return {
    totals: totals.message(false),
    openStreams: totals.openStreams,
    partitions: partitions.map((info) => ({
      partition: info.partition,
      bounds: boundsMessage(info),
      records: BigInt(info.records),
      bytes: BigInt(info.bytes),
    })),
  };
}

function healthCheck(_request: unknown, { services }: Call) {
  return {
    status: isServing(services) ? Status.SERVING : Status.NOT_SERVING,
    version: services.version,
  };
}
