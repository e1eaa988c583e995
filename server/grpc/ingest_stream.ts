/**
 * Taking in records without an end, through `IngestionService`.
 *
 * While some records are appended, those that come meanwhile gather: the faster they come, the larger
 * the batches. All are answered in their order.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Outcome } from "./append_each.ts";
import type { Call } from "./call.ts";
import { Gathering } from "./gathering.ts";
import type {
  IngestStreamRequest,
  IngestStreamResponseSchema,
} from "./generated/seglog/v1/ingestion_service_pb.js";
import { appendReadable, positionMessage, settle } from "./ingest.ts";
import { IngestTotals, totalsOf } from "./ingest_totals.ts";
import { INGEST_STATS_MS, INGEST_WAITING_BYTES, INGEST_WAITING_MAX } from "./limits.ts";
import { named, sizeOf } from "./messages.ts";
import { problemOf } from "./status.ts";

type Sent = MessageInitShape<typeof IngestStreamResponseSchema>;

/** An answer for each record, statistics now and then, and at the end. */
export async function* ingestStream(
  requests: AsyncIterable<IngestStreamRequest>,
  call: Call,
): AsyncGenerator<Sent, void, undefined> {
  const tenantTotals = totalsOf(call.visitor.tenant);
  const totals = new IngestTotals();
  const numbered = new Numbering();
  const gathering = new Gathering(requests, {
    sizeOf: ({ record }) => sizeOf(record),
    countMax: INGEST_WAITING_MAX,
    bytesMax: INGEST_WAITING_BYTES,
    signal: call.signal,
  });
  let toldMs = performance.now();
  tenantTotals.openStreams++;
  try {
    for await (const came of gathering) {
      for (const group of groupsOf(came.map((request) => numbered.complete(request)))) {
        const outcomes = await ingest(group, call);
        for (const [i, outcome] of outcomes.entries()) {
          const { sequence, record } = group[i]!;
          if ("error" in outcome) totals.reject();
          else totals.accept(sizeOf(record));
          yield answerOf(sequence, outcome);
        }
      }
      if (performance.now() - toldMs < INGEST_STATS_MS) continue;
      toldMs = performance.now();
      yield statsOf(totals, false);
    }
    yield statsOf(totals, true);
  } finally {
    tenantTotals.openStreams--;
    gathering.close();
  }
}

/** A request with what it leaves out. */
interface Complete {
  readonly sequence: bigint;
  readonly topic: string;
  readonly partition: number | undefined;
  readonly record: IngestStreamRequest["record"];
}

/** Completes each request from those before it. */
class Numbering {
  #topic = "";
  #sequence = 0n;

  complete({ topic, partition, record, sequence }: IngestStreamRequest): Complete {
    if (topic !== "") this.#topic = topic;
    this.#sequence = sequence ?? this.#sequence + 1n;
    return { sequence: this.#sequence, topic: this.#topic, partition, record };
  }
}

/** Runs of requests for the same place. */
function* groupsOf(requests: readonly Complete[]): Generator<Complete[], void, undefined> {
  let group: Complete[] = [];
  for (const request of requests) {
    const [first] = group;
    const isSame = first?.topic === request.topic && first.partition === request.partition;
    if (group.length > 0 && !isSame) {
      yield group;
      group = [];
    }
    group.push(request);
  }
  if (group.length > 0) yield group;
}

/** The outcome of each record; what is wrong with a topic is wrong with all records for it. */
async function ingest(group: readonly Complete[], call: Call): Promise<Outcome[]> {
  const { topic, partition } = group[0]!;
  const records = group.map(({ record }) => record);
  const options = partition === undefined ? {} : { partition };
  let outcomes: Outcome[];
  try {
    const { backend } = call.visitor;
    outcomes = await appendReadable(records, { backend, topic: named(topic, "topic"), options });
  } catch (error) {
    outcomes = records.map(() => ({ error }));
  }
  settle(records, outcomes, call);
  return outcomes;
}

function answerOf(sequence: bigint, outcome: Outcome): Sent {
  if ("error" in outcome) {
    const value = { sequence, problem: problemOf(outcome.error) };
    return { message: { case: "error", value } };
  }
  return { message: { case: "ack", value: { sequence, position: positionMessage(outcome) } } };
}

function statsOf(totals: IngestTotals, isFinal: boolean): Sent {
  return { message: { case: "stats", value: totals.message(isFinal) } };
}
