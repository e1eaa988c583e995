/**
 * Every meter of a server but those of its partitions: its name, its help and its labels.
 *
 * The values of each label are bounded: by a table of ours, by the routes, or by what whoever runs the
 * server has set up. Nothing that a client chooses becomes a label.
 *
 * @module
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** From less than a page cache needs to what is certainly too long. */
const WORK_SECONDS = [
  ...[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 10],
];
/** A request may wait for a record for a minute. */
const REQUEST_SECONDS = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 10, 60],
];

/** All of them. */
export type Meters = ReturnType<typeof createMeters>;

/** Makes them, all at zero. */
export function createMeters(registry: Registry) {
  return { ...requestMeters(registry), ...workMeters(registry), ...storeMeters(registry) };
}

function requestMeters(registry: Registry) {
  const { counter, gauge, histogram } = makersFor(registry);
  return {
    requests: counter(
      "http_requests_total",
      "Requests that were answered, by the status of the answer.",
      [
        ...["method", "route", "status"] as const,
      ],
    ),
    requestSeconds: histogram(
      "http_request_seconds",
      "Time until the head of the answer was ready; waiting for records included.",
      { labels: ["method", "route"], buckets: REQUEST_SECONDS },
    ),
    inFlight: gauge("http_requests_in_flight", "Requests that wait for the head of their answer."),
    calls: counter(
      "grpc_calls_total",
      "Calls of gRPC, gRPC-Web and Connect that have ended, by their status.",
      ["method", "code"],
    ),
    callSeconds: histogram(
      "grpc_call_seconds",
      "Time from the first message of a call to its end; of a stream, how long it was open.",
      { labels: ["method"], buckets: REQUEST_SECONDS },
    ),
    errors: counter("errors_total", "Requests that ended with an error, by its code.", [
      ...["protocol", "code"] as const,
    ]),
    receivedBytes: counter("received_bytes_total", "Bytes of the bodies of requests.", [
      "protocol",
    ]),
    sentBytes: counter("sent_bytes_total", "Bytes of the bodies of answers.", ["protocol"]),
    connections: gauge("connections", "Connections that are open.", ["protocol"]),
    refusedConnections: counter(
      "connections_refused_total",
      "Connections that were turned away: there were too many.",
      ["protocol"],
    ),
    authFailures: counter("auth_failures_total", "Requests that were not allowed, by the reason.", [
      "reason",
    ]),
    quotaRefusals: counter("quota_refusals_total", "Requests that a quota refused.", [
      ...["tenant", "quota"] as const,
    ]),
  };
}

function workMeters(registry: Registry) {
  const { counter, gauge, histogram } = makersFor(registry);
  return {
    appended: counter("appended_records_total", "Records that were appended through the server."),
    read: counter("read_records_total", "Records that were sent to clients."),
    followers: gauge("followers", "Streams of records that are open: events, WebSockets, calls."),
    lagging: gauge("followers_lagging", "Followers that were told that they lag."),
    cut: counter(
      "followers_cut_total",
      "Followers that were closed because they did not read what they were sent.",
    ),
    deliveries: counter(
      "webhook_deliveries_total",
      "Deliveries of webhooks that were tried, by whether they arrived.",
      ["outcome"],
    ),
    delivered: counter("webhook_records_total", "Records that were delivered to webhooks."),
    pausedWebhooks: gauge(
      "webhooks_paused",
      "Webhooks that are paused, by hand or because they failed for long.",
    ),
    appendSeconds: histogram(
      "append_seconds",
      "Time until an append was acknowledged, as its sync mode says.",
      { labels: [], buckets: WORK_SECONDS },
    ),
    readSeconds: histogram(
      "read_seconds",
      "Time until there was what was read: a record, or the first batch of a range.",
      { labels: ["what"], buckets: WORK_SECONDS },
    ),
    loopDelay: histogram(
      "event_loop_delay_seconds",
      "How much later than asked for a timer ran: everything waits for so long.",
      { labels: [], buckets: REQUEST_SECONDS },
    ),
    build: gauge("build_info", "Always 1; its labels say which program this is.", [
      ...["version", "runtime"] as const,
    ]),
  };
}

function storeMeters(registry: Registry) {
  const { counter, histogram } = makersFor(registry);
  return {
    writtenBatches: counter("written_batches_total", "Batches that were written to segments."),
    writtenRecords: counter(
      "written_records_total",
      "Records that were written to segments, the server's own included.",
    ),
    writtenBytes: counter("written_bytes_total", "Bytes that were written to segments."),
    uncompressedBytes: counter(
      "written_uncompressed_bytes_total",
      "Bytes that would have been written without compression.",
    ),
    syncSeconds: histogram("sync_seconds", "Time that a sync of a segment took (fdatasync).", {
      labels: [],
      buckets: WORK_SECONDS,
    }),
    syncFailures: counter(
      "sync_failures_total",
      "Syncs that failed: their logs take nothing more until they are opened again.",
    ),
    tornTails: counter(
      "recovery_torn_tails_total",
      "Logs whose end was no whole append when they were opened: it was cut, and kept aside.",
    ),
    quarantinedBytes: counter(
      "recovery_quarantined_bytes_total",
      "Bytes of torn tails that were kept aside.",
    ),
    damages: counter(
      "recovery_damaged_total",
      "Times that a log could not be opened for writing: acknowledged data is damaged.",
    ),
  };
}

/** What makes meters of this registry, and puts `seglog_` before their names. */
function makersFor(registry: Registry) {
  const registers = [registry];
  return {
    counter: <Label extends string = never>(name: string, help: string, labels: Label[] = []) =>
      new Counter<Label>({ name: `seglog_${name}`, help, labelNames: labels, registers }),
    gauge: <Label extends string = never>(name: string, help: string, labels: Label[] = []) =>
      new Gauge<Label>({ name: `seglog_${name}`, help, labelNames: labels, registers }),
    histogram: <Label extends string = never>(
      name: string,
      help: string,
      { labels, buckets }: { labels: Label[]; buckets: number[] },
    ) =>
      new Histogram<Label>({
        name: `seglog_${name}`,
        help,
        labelNames: labels,
        buckets,
        registers,
      }),
  };
}
