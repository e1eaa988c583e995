/**
 * Taking in one record, or many at once, through `IngestionService`.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import type { RecordInput } from "../../core/format/record.ts";
import { demand } from "../access/principal.ts";
import { appendEach, isContentFault, type Outcome, type Place } from "./append_each.ts";
import type { Call } from "./call.ts";
import type {
  IngestBatchRequest,
  IngestRecordRequest,
} from "./generated/seglog/v1/ingestion_service_pb.js";
import type { NewRecord } from "./generated/seglog/v1/log_record_pb.js";
import { totalsOf } from "./ingest_totals.ts";
import { INGEST_BATCH_RECORDS_MAX } from "./limits.ts";
import { appendOptionsOf, invalidMember, named, recordInputOf, sizeOf } from "./messages.ts";
import { problemOf } from "./status.ts";

/** One record, or the error for it. */
export async function ingestRecord(request: IngestRecordRequest, call: Call) {
  const topic = named(request.topic, "topic");
  const { backend, tenant } = call.visitor;
  const totals = totalsOf(tenant);
  try {
    const records = [recordInputOf(request.record)];
    const result = await backend.append(topic, records, appendOptionsOf(request));
    totals.accept(sizeOf(request.record));
    call.services.metrics.appended(1);
    return { position: positionMessage({ ...result, offset: result.start }) };
  } catch (error) {
    totals.reject();
    throw error;
  }
}

/** All of them as one batch or nothing, or each with an outcome of its own. */
export async function ingestBatch(request: IngestBatchRequest, call: Call) {
  const topic = named(request.topic, "topic");
  const { records } = request;
  if (records.length === 0) throw invalidMember("records", "has none: give one at the least");
  if (records.length > INGEST_BATCH_RECORDS_MAX) {
    throw new SeglogError(
      "too-large",
      `Cannot take ${records.length} records at once: ${INGEST_BATCH_RECORDS_MAX} at most; send fewer, or use IngestStream`,
      { details: { limit: INGEST_BATCH_RECORDS_MAX } },
    );
  }
  demand(call.visitor.principal, "produce", topic);
  const outcomes = request.transactional
    ? await ingestWhole(request, call)
    : await ingestEach(request, call);
  const accepted = settle(records, outcomes, call);
  return {
    outcomes: outcomes.map(outcomeMessage),
    accepted,
    rejected: outcomes.length - accepted,
  };
}

/** Counts what became of records. @returns how many were accepted */
export function settle(
  records: readonly (NewRecord | undefined)[],
  outcomes: readonly Outcome[],
  { services, visitor }: Call,
): number {
  const totals = totalsOf(visitor.tenant);
  let accepted = 0;
  outcomes.forEach((outcome, i) => {
    if ("error" in outcome) return totals.reject();
    totals.accept(sizeOf(records[i]));
    accepted++;
  });
  services.metrics.appended(accepted);
  return accepted;
}

/** Appends those that are records at all; the others have their error already. */
export async function appendReadable(
  records: readonly (NewRecord | undefined)[],
  target: Parameters<typeof appendEach>[0],
): Promise<Outcome[]> {
  const read = records.map(readRecord);
  const good = read.filter((record) => !("error" in record)) as RecordInput[];
  const appended = good.length === 0 ? [] : await appendEach(target, good);
  let next = 0;
  return read.map((record) => "error" in record ? record : appended[next++]!);
}

/** Where a record is, as it is sent. */
export function positionMessage({ partition, offset, durable }: Place) {
  return { partition, offset: BigInt(offset), durable };
}

async function ingestWhole(request: IngestBatchRequest, call: Call): Promise<Outcome[]> {
  const records = request.records.map(recordInputOf);
  const options = appendOptionsOf(request);
  const { start, ...place } = await call.visitor.backend.append(request.topic, records, options);
  return records.map((_, i) => ({ ...place, offset: start + i }));
}

async function ingestEach(request: IngestBatchRequest, call: Call): Promise<Outcome[]> {
  if (request.producer !== undefined) {
    throw invalidMember(
      "producer",
      "is given: a batch in parts has no sequence; set transactional",
    );
  }
  const { topic, records } = request;
  const options = appendOptionsOf(request);
  const outcomes = await appendReadable(records, { backend: call.visitor.backend, topic, options });
  // Where nothing could be taken in, and not for what it was: that is an error of the call.
  const failed = outcomes.flatMap((outcome) => "error" in outcome ? [outcome.error] : []);
  const isRefused = failed.length === outcomes.length && !failed.some(isContentFault);
  if (isRefused) throw failed[0];
  return outcomes;
}

function readRecord(record: NewRecord | undefined): RecordInput | { readonly error: unknown } {
  try {
    return recordInputOf(record);
  } catch (error) {
    return { error };
  }
}

function outcomeMessage(outcome: Outcome) {
  return {
    outcome: "error" in outcome
      ? { case: "problem" as const, value: problemOf(outcome.error) }
      : { case: "position" as const, value: positionMessage(outcome) },
  };
}
