/**
 * What is counted for every request, append and sync: plain numbers, which meters show when somebody
 * looks.
 *
 * @module
 */
import { Latencies } from "./latencies.ts";

/** How requests come. */
export const PROTOCOLS = ["http", "grpc"] as const;

/** One of these ways. */
export type Protocol = typeof PROTOCOLS[number];

/** From less than a page cache needs to what is certainly too long. */
const WORK_SECONDS: readonly number[] = [
  ...[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 10],
];
/** A request may wait for a record for a minute. */
const REQUEST_SECONDS: readonly number[] = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 10, 60],
];

/** How requests of one kind ended. */
class EndTally<Status extends string | number> {
  readonly statuses = new Map<Status, number>();
  readonly latencies = new Latencies(REQUEST_SECONDS);

  /** Counts one. */
  ended(status: Status, seconds: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    this.latencies.note(seconds);
  }
}

/** Those of one route over HTTP. */
class RouteTally extends EndTally<number> {
  readonly method: string;
  readonly path: string;

  constructor(method: string, path: string) {
    super();
    this.method = method;
    this.path = path;
  }
}

/** All of them, at zero. */
export class Tallies {
  inFlight = 0;
  readonly receivedBytes: Record<Protocol, number> = { http: 0, grpc: 0 };
  readonly sentBytes: Record<Protocol, number> = { http: 0, grpc: 0 };
  appended = 0;
  read = 0;
  writtenBatches = 0;
  writtenRecords = 0;
  writtenBytes = 0;
  uncompressedBytes = 0;
  syncFailures = 0;
  readonly append = new Latencies(WORK_SECONDS);
  readonly readRecord = new Latencies(WORK_SECONDS);
  readonly readRange = new Latencies(WORK_SECONDS);
  readonly sync = new Latencies(WORK_SECONDS);
  readonly loopDelay = new Latencies(REQUEST_SECONDS);
  /** Calls of gRPC, by their method. */
  readonly calls = new Map<string, EndTally<string>>();
  /** By path, and then by method. */
  readonly #routes = new Map<string, Map<string, RouteTally>>();

  /** That of one route. */
  route({ method, path }: { readonly method: string; readonly path: string }): RouteTally {
    let methods = this.#routes.get(path);
    if (methods === undefined) this.#routes.set(path, methods = new Map());
    let tally = methods.get(method);
    if (tally === undefined) methods.set(method, tally = new RouteTally(method, path));
    return tally;
  }

  /** That of one method of gRPC. */
  call(method: string): EndTally<string> {
    let tally = this.calls.get(method);
    if (tally === undefined) this.calls.set(method, tally = new EndTally());
    return tally;
  }

  /** Those of all routes that were asked for. */
  get routes(): RouteTally[] {
    return [...this.#routes.values()].flatMap((methods) => [...methods.values()]);
  }
}
