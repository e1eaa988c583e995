/**
 * What the server counts, for Prometheus and for people.
 *
 * @module
 */
import { Registry } from "prom-client";
import { ERROR_SPECS, type ErrorCode } from "../../core/base/errors.ts";
import type { Observer, WrittenBatches } from "../../core/base/observer.ts";
import { toldError } from "../problem.ts";
import { createMeters, type Meters } from "./meters.ts";
import { type Protocol, PROTOCOLS, Tallies } from "./tallies.ts";
import { addProcessMeters, runtimeName } from "./process_meters.ts";

/** Errors that say that somebody may not. */
const AUTH_CODES: readonly ErrorCode[] = ["unauthenticated", "forbidden"];

/** The meters of one server, in a registry of its own. It counts what the store tells, too. */
export class Metrics implements Observer {
  /** All of them but those of partitions, which depend on who looks. */
  readonly registry: Registry = new Registry();
  readonly #tallies = new Tallies();
  readonly #meters: Meters;
  #following = 0;

  /** @param version of the program */
  constructor(version: string) {
    this.#meters = createMeters(this.registry, this.#tallies);
    this.#meters.build.set({ version, runtime: runtimeName() }, 1);
    this.#beginAtZero();
    addProcessMeters(this.registry);
  }

  /** Counts requests that wait for their answer, or less of them. */
  underWay(change: 1 | -1): void {
    this.#tallies.inFlight += change;
  }

  /** Counts one request that was answered after `seconds`. */
  answered(
    route: { readonly method: string; readonly path: string },
    status: number,
    seconds: number,
  ): void {
    this.#tallies.route(route).ended(status, seconds);
  }

  /** Counts one call of gRPC that has ended after `seconds`: its method, and its status by name. */
  called(method: string, code: string, seconds: number): void {
    this.#tallies.call(method).ended(code, seconds);
  }

  /** Counts what a request failed with. What is not ours counts as `internal`. */
  failed(protocol: Protocol, error: unknown): void {
    const { code } = toldError(error);
    this.#meters.errors.inc({ protocol, code });
    if (AUTH_CODES.includes(code)) this.#meters.authFailures.inc({ reason: code });
  }

  /** Counts bytes of the bodies of requests. */
  receivedBytes(protocol: Protocol, bytes: number): void {
    this.#tallies.receivedBytes[protocol] += bytes;
  }

  /** Counts bytes of the bodies of answers. */
  sentBytes(protocol: Protocol, bytes: number): void {
    this.#tallies.sentBytes[protocol] += bytes;
  }

  /** Counts a connection until the returned function is called. */
  connected(protocol: Protocol): () => void {
    const { connections } = this.#meters;
    connections.inc({ protocol });
    return () => connections.dec({ protocol });
  }

  /** Counts a connection that was turned away. */
  refusedConnection(protocol: Protocol): void {
    this.#meters.refusedConnections.inc({ protocol });
  }

  /** Counts a request that a quota of a tenant refused. */
  quotaRefused(tenant: string, quota: string): void {
    this.#meters.quotaRefusals.inc({ tenant, quota });
  }

  /** Counts records that were appended. */
  appended(records: number): void {
    this.#tallies.appended += records;
  }

  /** Counts records that were sent. */
  sent(records: number): void {
    this.#tallies.read += records;
  }

  /** Counts a stream of records until the returned function is called. */
  follower(): () => void {
    const { followers } = this.#meters;
    followers.inc();
    this.#following++;
    return () => {
      followers.dec();
      this.#following--;
    };
  }

  /** Those that are open. */
  get followers(): number {
    return this.#following;
  }

  /** Counts followers that begin to lag, or less of them. */
  lagging(change: 1 | -1): void {
    this.#meters.lagging.inc(change);
  }

  /** Counts a follower that was closed because it did not read. */
  cut(): void {
    this.#meters.cut.inc();
  }

  /** Counts a delivery to a webhook that arrived. */
  webhookDelivered(records: number): void {
    this.#meters.deliveries.inc({ outcome: "delivered" });
    this.#meters.delivered.inc(records);
  }

  /** Counts one that did not. */
  webhookFailed(): void {
    this.#meters.deliveries.inc({ outcome: "failed" });
  }

  /** Counts webhooks that are paused, or less of them. */
  webhookPaused(change: 1 | -1): void {
    this.#meters.pausedWebhooks.inc(change);
  }

  /** Measures an append that was acknowledged. */
  appendedSince(startMs: number): void {
    this.#tallies.append.note(secondsSince(startMs));
  }

  /** Measures a read. */
  readSince(what: "record" | "range", startMs: number): void {
    const { readRecord, readRange } = this.#tallies;
    (what === "record" ? readRecord : readRange).note(secondsSince(startMs));
  }

  /** Measures how much later than asked for a timer ran. */
  delayed(ms: number): void {
    this.#tallies.loopDelay.note(ms / 1000);
  }

  written({ batches, records, bytes, uncompressedBytes }: WrittenBatches): void {
    this.#tallies.writtenBatches += batches;
    this.#tallies.writtenRecords += records;
    this.#tallies.writtenBytes += bytes;
    this.#tallies.uncompressedBytes += uncompressedBytes;
  }

  synced(ms: number, error: unknown): void {
    this.#tallies.sync.note(ms / 1000);
    if (error !== undefined) this.#tallies.syncFailures++;
  }

  tornTail(bytes: number): void {
    this.#meters.tornTails.inc();
    this.#meters.quarantinedBytes.inc(bytes);
  }

  damaged(): void {
    this.#meters.damages.inc();
  }

  /** What begins with a one is no increase to Prometheus: what nobody may miss is there before. */
  #beginAtZero(): void {
    const { errors, authFailures, deliveries } = this.#meters;
    for (const [code, { http }] of Object.entries(ERROR_SPECS)) {
      if (http < 500) continue;
      for (const protocol of PROTOCOLS) errors.inc({ protocol, code }, 0);
    }
    for (const reason of AUTH_CODES) authFailures.inc({ reason }, 0);
    for (const outcome of ["delivered", "failed"]) deliveries.inc({ outcome }, 0);
  }
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1000;
}
