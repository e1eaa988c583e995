/**
 * What was ingested: by one stream, or by a whole tenant since the server started.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TenantServices } from "../tenant_services.ts";
import type { IngestStatsSchema } from "./generated/seglog/v1/ingestion_service_pb.js";

/** Counts of records, whatever became of them. */
export class IngestTotals {
  readonly #startMs = performance.now();
  #received = 0;
  #accepted = 0;
  #bytes = 0;
  /** Streams that are open. */
  openStreams = 0;

  /** Records whose fate is known. */
  get settled(): number {
    return this.#received;
  }

  /** Counts one record that was accepted, with the bytes of its key and value. */
  accept(bytes: number): void {
    this.#received++;
    this.#accepted++;
    this.#bytes += bytes;
  }

  /** Counts one record that was not. */
  reject(): void {
    this.#received++;
  }

  /** As it is told. */
  message(isFinal: boolean): MessageInitShape<typeof IngestStatsSchema> {
    return {
      received: BigInt(this.#received),
      accepted: BigInt(this.#accepted),
      rejected: BigInt(this.#received - this.#accepted),
      bytes: BigInt(this.#bytes),
      elapsedMs: BigInt(Math.round(performance.now() - this.#startMs)),
      final: isFinal,
    };
  }
}

const byTenant = new WeakMap<TenantServices, IngestTotals>();

/** The totals of a tenant. */
export function totalsOf(tenant: TenantServices): IngestTotals {
  let totals = byTenant.get(tenant);
  if (totals === undefined) byTenant.set(tenant, totals = new IngestTotals());
  return totals;
}
