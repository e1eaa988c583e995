/**
 * Appending through `LogService`: one batch a message.
 *
 * @module
 */
import type { AppendResult } from "../../core/backend.ts";
import type { BatchView } from "../../core/format/batch.ts";
import type { RecordInput } from "../../core/format/record.ts";
import { checkedBatch } from "../batch_check.ts";
import type { Call } from "./call.ts";
import type { ProduceRequest, ProduceStreamRequest } from "./generated/seglog/v1/log_service_pb.js";
import { PRODUCE_IN_FLIGHT_BYTES, PRODUCE_IN_FLIGHT_MAX } from "./limits.ts";
import {
  appendedMessage,
  appendOptionsOf,
  invalidMember,
  maybeWhole,
  named,
  recordInputOf,
  sizeOf,
} from "./messages.ts";
import { pipelined } from "./pipelined.ts";
import { problemOf } from "./status.ts";

/** All records of a message, or none of them. */
export async function produce(request: ProduceRequest, call: Call) {
  return { appended: appendedMessage(await append(request, call)) };
}

/**
 * Each message as {@linkcode produce} does it, many at once, and the answers in their order. What is
 * wrong with one message is its own answer.
 */
export async function* produceStream(requests: AsyncIterable<ProduceStreamRequest>, call: Call) {
  const order = new TopicOrder();
  const start = async ({ id, produce }: ProduceStreamRequest) => {
    try {
      if (produce === undefined) throw invalidMember("produce", "is missing");
      const value = appendedMessage(await order.next(produce, () => append(produce, call)));
      return { id, outcome: { case: "appended" as const, value } };
    } catch (error) {
      return { id, outcome: { case: "problem" as const, value: problemOf(error) } };
    }
  };
  yield* pipelined(requests, {
    start,
    sizeOf: ({ produce }) =>
      (produce?.batch.length ?? 0) +
      (produce?.records.reduce((sum, record) => sum + sizeOf(record), 0) ?? 0),
    countMax: PRODUCE_IN_FLIGHT_MAX,
    bytesMax: PRODUCE_IN_FLIGHT_BYTES,
    signal: call.signal,
  });
}

/**
 * Keeps messages of a stream in their order: appends to a topic that is there are taken in the order of
 * the calls, but the one that makes it takes longer than those behind it.
 */
class TopicOrder {
  #topic = "";
  #opened: Promise<unknown> = Promise.resolve();

  /** Completes a message with the topic of those before it, and begins with it when it may. */
  async next<Result>(produce: ProduceRequest, begin: () => Promise<Result>): Promise<Result> {
    if (produce.topic === "") produce.topic = this.#topic;
    if (produce.topic === this.#topic) {
      await this.#opened;
      return await begin();
    }
    this.#topic = produce.topic;
    const first = this.#opened.then(begin);
    this.#opened = first.then(() => {}, () => {});
    return await first;
  }
}

async function append(request: ProduceRequest, call: Call): Promise<AppendResult> {
  const topic = named(request.topic, "topic");
  const { backend } = call.visitor;
  const expectedOffset = maybeWhole(request.expectedOffset, "expected_offset");
  const options = {
    ...appendOptionsOf(request),
    ...expectedOffset === undefined ? {} : { expectedOffset },
  };
  const result = request.batch.length > 0
    ? await backend.appendBatch(topic, encodedBatch(request), options)
    : await backend.append(topic, recordsOf(request), options);
  call.services.metrics.appended(result.end - result.start);
  return result;
}

function recordsOf({ records }: ProduceRequest): RecordInput[] {
  if (records.length === 0) throw invalidMember("records", "has none: give one at the least");
  return records.map(recordInputOf);
}

function encodedBatch({ records, batch, producer }: ProduceRequest): BatchView {
  if (records.length > 0) throw invalidMember("batch", "and records are given: give one of them");
  if (producer !== undefined) {
    throw invalidMember("producer", "is given: a batch that is encoded has its producer inside");
  }
  const first = checkedBatch(batch);
  if (first.bytes.length === batch.length) return first;
  throw invalidMember("batch", "holds several batches: send each in a message of its own");
}
