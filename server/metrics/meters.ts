/**
 * Every meter of a server but those of its partitions: its name, its help and its labels.
 *
 * The values of each label are bounded: by a table of ours, by the routes, or by what whoever runs the
 * server has set up. Nothing that a client chooses becomes a label.
 *
 * @module
 */
import { Counter, Gauge, type Registry } from "prom-client";
import { addHistogram, type Latencies } from "./latencies.ts";
import { PROTOCOLS, type Tallies } from "./tallies.ts";

/** Those that are counted one by one. The others show tallies. */
export type Meters = ReturnType<typeof createMeters>;

/** Makes all of them, at zero. */
export function createMeters(registry: Registry, tallies: Tallies) {
  const make = makersFor(registry);
  const meters = {
    ...requestMeters(make, tallies),
    ...recordMeters(make, tallies),
    ...webhookMeters(make),
  };
  return { ...meters, ...storeMeters(make, tallies), ...programMeters(make, tallies) };
}

type Makers = ReturnType<typeof makersFor>;

function requestMeters({ counter, gauge, shown }: Makers, tallies: Tallies) {
  shown.counter(
    "http_requests_total",
    "Requests that were answered, by the status of the answer.",
    {
      labels: ["method", "route", "status"],
      shows: () =>
        tallies.routes.flatMap(({ method, path: route, statuses }) =>
          [...statuses].map(([status, count]) => [{ method, route, status }, count] as const)
        ),
    },
  );
  shown.histogram(
    "http_request_seconds",
    "Time until the head of the answer was ready; waiting for records included.",
    {
      labels: ["method", "route"],
      shows: () =>
        tallies.routes.map(({ method, path: route, latencies }) => [{ method, route }, latencies]),
    },
  );
  shown.gauge("http_requests_in_flight", "Requests that wait for the head of their answer.", () => {
    return tallies.inFlight;
  });
  shown.counter(
    "grpc_calls_total",
    "Calls of gRPC, gRPC-Web and Connect that have ended, by their status.",
    {
      labels: ["method", "code"],
      shows: () =>
        [...tallies.calls].flatMap(([method, { statuses }]) =>
          [...statuses].map(([code, count]) => [{ method, code }, count] as const)
        ),
    },
  );
  shown.histogram(
    "grpc_call_seconds",
    "Time from the first message of a call to its end; of a stream, how long it was open.",
    {
      labels: ["method"],
      shows: () => [...tallies.calls].map(([method, { latencies }]) => [{ method }, latencies]),
    },
  );
  const errors = counter("errors_total", "Requests that ended with an error, by its code.", [
    ...["protocol", "code"] as const,
  ]);
  const byProtocol = (tally: "receivedBytes" | "sentBytes") => ({
    labels: ["protocol"] as const,
    shows: () => PROTOCOLS.map((protocol) => [{ protocol }, tallies[tally][protocol]] as const),
  });
  shown.counter(
    "received_bytes_total",
    "Bytes of the bodies of requests.",
    byProtocol("receivedBytes"),
  );
  shown.counter("sent_bytes_total", "Bytes of the bodies of answers.", byProtocol("sentBytes"));
  return {
    errors,
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

function recordMeters({ counter, gauge, shown }: Makers, tallies: Tallies) {
  shown.counter("appended_records_total", "Records that were appended through the server.", {
    labels: [],
    shows: () => [[{}, tallies.appended]],
  });
  shown.counter("read_records_total", "Records that were sent to clients.", {
    labels: [],
    shows: () => [[{}, tallies.read]],
  });
  const meters = {
    followers: gauge("followers", "Streams of records that are open: events, WebSockets, calls."),
    lagging: gauge("followers_lagging", "Followers that were told that they lag."),
    cut: counter(
      "followers_cut_total",
      "Followers that were closed because they did not read what they were sent.",
    ),
  };
  shown.histogram(
    "append_seconds",
    "Time until an append was acknowledged, as its sync mode says.",
    { labels: [], shows: () => [[{}, tallies.append]] },
  );
  shown.histogram(
    "read_seconds",
    "Time until there was what was read: a record, or the first batch of a range.",
    {
      labels: ["what"],
      shows: () => [
        [{ what: "record" }, tallies.readRecord],
        [{ what: "range" }, tallies.readRange],
      ],
    },
  );
  return meters;
}

function webhookMeters({ counter, gauge }: Makers) {
  return {
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
  };
}

function storeMeters({ counter, shown }: Makers, tallies: Tallies) {
  const plain = (shows: () => number) => ({
    labels: [],
    shows: (): Shown<number>[] => [[{}, shows()]],
  });
  shown.counter(
    "written_batches_total",
    "Batches that were written to segments.",
    plain(() => tallies.writtenBatches),
  );
  shown.counter(
    "written_records_total",
    "Records that were written to segments, the server's own included.",
    plain(() => tallies.writtenRecords),
  );
  shown.counter(
    "written_bytes_total",
    "Bytes that were written to segments.",
    plain(() => tallies.writtenBytes),
  );
  shown.counter(
    "written_uncompressed_bytes_total",
    "Bytes that would have been written without compression.",
    plain(() => tallies.uncompressedBytes),
  );
  shown.histogram("sync_seconds", "Time that a sync of a segment took (fdatasync).", {
    labels: [],
    shows: () => [[{}, tallies.sync]],
  });
  shown.counter(
    "sync_failures_total",
    "Syncs that failed: their logs take nothing more until they are opened again.",
    plain(() => tallies.syncFailures),
  );
  return {
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

function programMeters({ gauge, shown }: Makers, tallies: Tallies) {
  shown.histogram(
    "event_loop_delay_seconds",
    "How much later than asked for a timer ran: everything waits for so long.",
    { labels: [], shows: () => [[{}, tallies.loopDelay]] },
  );
  return {
    build: gauge("build_info", "Always 1; its labels say which program this is.", [
      ...["version", "runtime"] as const,
    ]),
  };
}

/** Something with its labels. */
type Shown<What> = readonly [labels: Readonly<Record<string, string | number>>, what: What];

/** What a meter shows when somebody looks. */
interface Showing<What> {
  readonly labels: readonly string[];
  readonly shows: () => readonly Shown<What>[];
}

/** What makes meters of this registry, and puts `seglog_` before their names. */
function makersFor(registry: Registry) {
  const registers = [registry];
  const named = (name: string, help: string) => ({ name: `seglog_${name}`, help, registers });
  return {
    counter: <Label extends string = never>(name: string, help: string, labels: Label[] = []) =>
      new Counter<Label>({ ...named(name, help), labelNames: labels }),
    gauge: <Label extends string = never>(name: string, help: string, labels: Label[] = []) =>
      new Gauge<Label>({ ...named(name, help), labelNames: labels }),
    shown: {
      counter(name: string, help: string, { labels, shows }: Showing<number>) {
        new Counter({
          ...named(name, help),
          labelNames: [...labels],
          collect() {
            this.reset();
            for (const [of, count] of shows()) this.inc(of, count);
          },
        });
      },
      gauge(name: string, help: string, shows: () => number) {
        new Gauge({
          ...named(name, help),
          collect() {
            this.set(shows());
          },
        });
      },
      histogram(name: string, help: string, { labels, shows }: Showing<Latencies>) {
        addHistogram(registry, { name: `seglog_${name}`, help, labelNames: labels, shows });
      },
    },
  };
}
