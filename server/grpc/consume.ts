/**
 * Reading one page through `LogService`.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { BatchView } from "../../core/format/batch.ts";
import {
  BATCH_PAGE_BYTES_DEFAULT,
  PAGE_BYTES_MAX,
  PAGE_RECORDS_DEFAULT,
  PAGE_RECORDS_MAX,
  WAIT_MS_MAX,
} from "../limits.ts";
import { batchPage, intact, joinedBatches } from "../read_batches.ts";
import { type Portion, portionOf, portions, rangeEnd, type ReadRange } from "../read_range.ts";
import { arrivals } from "../waiting.ts";
import type { Call } from "./call.ts";
import { isEncoded, rangeOf } from "./consume_range.ts";
import type { LogRecordSchema } from "./generated/seglog/v1/log_record_pb.js";
import type { ConsumeRequest } from "./generated/seglog/v1/log_service_pb.js";
import { boundsMessage, invalidMember, recordMessage } from "./messages.ts";
import { waitingOf } from "./min_offset.ts";

/** What is there; where nothing is, what comes first within the time to wait. */
export async function consume(request: ConsumeRequest, call: Call) {
  const { maxRecords, waitMs, format } = request;
  if (maxRecords > PAGE_RECORDS_MAX) {
    throw invalidMember("max_records", `is ${maxRecords}, and ${PAGE_RECORDS_MAX} is the most`);
  }
  if (waitMs > WAIT_MS_MAX) {
    throw invalidMember("wait_ms", `is ${waitMs}, and ${WAIT_MS_MAX} is the most`);
  }
  const { backend } = call.visitor;
  const range = await rangeOf(request, { call, waitMs });
  const page = isEncoded(format)
    ? await encodedPage(range, call)
    : await recordsPage(range, maxRecords || PAGE_RECORDS_DEFAULT, call);
  call.services.metrics.sent(page.count);
  const { count: _, next, ...content } = page;
  const bounds = next > range.bounds.nextOffset
    ? await backend.bounds(range.topic, range.partition) // it was waited for
    : range.bounds;
  return { ...content, next: BigInt(next), bounds: boundsMessage(bounds) };
}

async function encodedPage(range: ReadRange, call: Call) {
  let { batches, next } = await batchPage(call.visitor.backend, range, BATCH_PAGE_BYTES_DEFAULT);
  if (batches.length === 0) {
    const batch = await firstArrival(range, call);
    if (batch !== undefined) {
      batches = [intact(batch)];
      next = Math.min(range.untilAsked ?? Infinity, batch.nextOffset);
    }
  }
  const count = batches.reduce((sum, { header }) => sum + header.recordCount, 0);
  return { batches: joinedBatches(batches) as Uint8Array<ArrayBuffer>, next, count };
}

async function recordsPage(range: ReadRange, limit: number, call: Call) {
  const page = new RecordsPage(limit, range.from);
  if (range.from < range.until) {
    for await (const portion of portions(call.visitor.backend, range)) {
      if (!page.add(portion)) return page.content();
    }
    page.next = rangeEnd(range);
  } else {
    const batch = await firstArrival(range, call);
    if (batch !== undefined) {
      page.add(portionOf(batch, { ...range, until: range.untilAsked ?? Infinity }));
    }
  }
  return page.content();
}

/** Records until there are enough. */
class RecordsPage {
  readonly #limit: number;
  readonly #records: MessageInitShape<typeof LogRecordSchema>[] = [];
  #bytes = 0;
  /** Where the next page starts. */
  next: number;

  constructor(limit: number, from: number) {
    this.#limit = limit;
    this.next = from;
  }

  /** Takes a portion; `false` when not all of it found room, or no more will. */
  add({ records, next }: Portion): boolean {
    for (const record of records) {
      const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
      const isFull = this.#records.length >= this.#limit ||
        (this.#records.length > 0 && this.#bytes + bytes > PAGE_BYTES_MAX);
      if (isFull) return false;
      this.#records.push(recordMessage(record));
      this.#bytes += bytes;
      this.next = record.offset + 1;
    }
    this.next = next;
    return this.#records.length < this.#limit;
  }

  content() {
    return { records: this.#records, next: this.next, count: this.#records.length };
  }
}

async function firstArrival(range: ReadRange, call: Call): Promise<BatchView | undefined> {
  for await (const batch of arrivals(waitingOf(call), range, range.from)) return batch;
  return undefined;
}
