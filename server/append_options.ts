/**
 * How to append, from the query and the headers of a request.
 *
 * @module
 */
import type { AppendOptions } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import { PARTITIONS_MAX } from "../core/base/limits.ts";
import { checkedProducer } from "../core/format/batch_builder.ts";
import type { ProducerStamp } from "../core/format/producer_field.ts";
import { parseSyncMode, type SyncMode } from "../core/format/sync_mode.ts";
import type { Exchange } from "./exchange.ts";
import { type Query, WHOLE } from "./query.ts";

/** What the request says of how to append. @throws {SeglogError} `invalid-argument` */
export function appendOptions(exchange: Exchange, query: Query): AppendOptions {
  return {
    partition: query.whole("partition", 0, PARTITIONS_MAX - 1),
    expectedOffset: wholeHeader(exchange, "Seglog-If-Offset"),
    producer: producerOf(exchange),
    sync: syncOf(exchange),
  };
}

/**
 * For bodies whose batches are not known beforehand.
 *
 * @throws {SeglogError} `invalid-argument` when the request has a condition or a producer
 */
export function refuseConditions(options: AppendOptions, type: string): void {
  if (options.expectedOffset === undefined && options.producer === undefined) return;
  throw new SeglogError(
    "invalid-argument",
    `Cannot append ${type} with Seglog-If-Offset or a producer: it is appended as many batches; ` +
      "send application/json or application/vnd.seglog.batch",
  );
}

function producerOf(exchange: Exchange): ProducerStamp | undefined {
  const id = exchange.textHeader("Producer-Id");
  const epoch = wholeHeader(exchange, "Producer-Epoch");
  const sequence = wholeHeader(exchange, "Producer-Seq");
  if (id === undefined && epoch === undefined && sequence === undefined) return undefined;
  if (id === undefined || sequence === undefined) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot append for a producer: give Producer-Id and Producer-Seq, and Producer-Epoch if not 0",
    );
  }
  return checkedProducer({ id, epoch: epoch ?? 0, sequence });
}

function syncOf(exchange: Exchange): SyncMode | undefined {
  const text = exchange.request.headers.get("Seglog-Sync");
  if (text === null) return undefined;
  if (parseSyncMode(text) !== undefined) return text as SyncMode;
  throw refusedHeader("Seglog-Sync", text, "give always, os or an interval such as interval:200ms");
}

function wholeHeader(exchange: Exchange, name: string): number | undefined {
  const text = exchange.request.headers.get(name);
  if (text === null) return undefined;
  const value = WHOLE.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw refusedHeader(name, text, `give a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
}

function refusedHeader(name: string, text: string, advice: string): SeglogError {
  const shown = JSON.stringify(text.slice(0, 80));
  return new SeglogError("invalid-argument", `Cannot use ${name}: ${shown}: ${advice}`, {
    details: { header: name },
  });
}
