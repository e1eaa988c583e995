/**
 * One page of encoded batches: the fast path.
 *
 * @module
 */
import type { Backend, Bounds } from "../core/backend.ts";
import { encodeBatchHeader, WIRE_SALT } from "../core/format/batch_header.ts";
import type { BatchView } from "../core/format/batch.ts";
import { boundsHeaders, wholeAnswer } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { BATCH_PAGE_BYTES_DEFAULT, BATCH_PAGE_BYTES_MAX } from "./limits.ts";
import { BATCHES_TYPE } from "./media_types.ts";
import { isDamage, RANGE_PARAMETERS, rangeEnd, type ReadRange, readRange } from "./read_range.ts";
import { arrivals } from "./waiting.ts";

/** Answers with whole batches that overlap the range, of `maxBytes` together, one at the least. */
export async function readBatches(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...RANGE_PARAMETERS, "maxBytes");
  const bytesMax = query.whole("maxBytes", 1, BATCH_PAGE_BYTES_MAX) ?? BATCH_PAGE_BYTES_DEFAULT;
  const range = await readRange(exchange, query);
  let page = await batchPage(exchange.backend, range, bytesMax);
  let bounds: Bounds = range.bounds;
  if (page.batches.length === 0) {
    for await (const batch of arrivals(exchange, range, page.next)) {
      const next = Math.min(range.untilAsked ?? Infinity, batch.nextOffset);
      page = { batches: [intact(batch)], next };
      bounds = await exchange.backend.bounds(range.topic, range.partition);
      break;
    }
  }
  exchange.services.metrics.sent(
    page.batches.reduce((sum, { header }) => sum + header.recordCount, 0),
  );
  const headers = boundsHeaders(bounds, page.next);
  return wholeAnswer(BATCHES_TYPE, joinedBatches(page.batches), { headers });
}

/** Some batches of a range. */
export interface BatchPage {
  readonly batches: BatchView[];
  /** Where the next page starts; in reverse, where it ends. */
  readonly next: number;
}

/** The first batches of a range, of `bytesMax` together, one at the least where there is any. */
export async function batchPage(
  backend: Backend,
  range: ReadRange,
  bytesMax: number,
): Promise<BatchPage> {
  const { topic, partition, from, until, reverse, key } = range;
  const batches: BatchView[] = [];
  let bytes = 0;
  let next = reverse ? until : from;
  if (from === until) return { batches, next: rangeEnd(range) };
  try {
    for await (const batch of backend.batches(topic, { partition, from, until, reverse, key })) {
      if (batches.length > 0 && bytes + batch.bytes.length > bytesMax) return { batches, next };
      batches.push(intact(batch));
      bytes += batch.bytes.length;
      next = reverse ? Math.max(from, batch.baseOffset) : Math.min(until, batch.nextOffset);
    }
  } catch (error) {
    // Damage does not take away what can be read before it; the next page tells of it.
    if (batches.length === 0 || !isDamage(error)) throw error;
    return { batches, next };
  }
  return { batches, next: rangeEnd(range) };
}

/** The batch itself. @throws {SeglogError} `corrupt`: damaged bytes are not passed on */
export function intact(batch: BatchView): BatchView {
  if (!batch.isIntact()) batch.payload();
  return batch;
}

/** Batches as they travel, one after another. */
export function joinedBatches(batches: readonly BatchView[]): Uint8Array {
  const length = batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const body = new Uint8Array(length);
  let at = 0;
  for (const { header, bytes } of batches) {
    body.set(bytes, at);
    encodeBatchHeader(body, at, header, WIRE_SALT);
    at += bytes.length;
  }
  return body;
}
