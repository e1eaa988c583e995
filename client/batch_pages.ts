/**
 * Batches of one partition, a page at a time; the next page is fetched while one is used.
 *
 * @module
 */
import { SpanKind } from "@opentelemetry/api";
import type { ReadOptions } from "../core/backend.ts";
import { sleep } from "../core/base/clock.ts";
import { encodeBase64 } from "../core/base/base64.ts";
import { SeglogError } from "../core/base/errors.ts";
import { BATCH_STORED_BYTES_MAX, MIN_OFFSET_WAIT_MS_DEFAULT } from "../core/base/limits.ts";
import { WIRE_SALT } from "../core/format/batch_header.ts";
import { type BatchView, decodeBatch } from "../core/format/batch.ts";
import type { OffsetRange } from "../core/format/records_of.ts";
import { trimBatch } from "../core/format/trim_batch.ts";
import { messagingSpan, noteRead } from "../tracing/messaging.ts";
import { inSpan, isRecorded } from "../tracing/spans.ts";
import { goodAnswer, offsetHeader } from "./answers.ts";
import type { Requests } from "./requests.ts";
import type { Answer } from "./transport.ts";
import { topicPath } from "./topic_path.ts";

const PAGE_BYTES_MIN = 64 * 1024;
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** A page has one batch at least, however large that is. */
const BEYOND_BYTES_MAX = BATCH_STORED_BYTES_MAX + 1024;
const WAIT_MS = 20_000;
/** Pause after an answer that should have been waited for, as from a server that stops. */
const EARLY_MS = 250;

const EVERYTHING: OffsetRange = { from: 0, until: Infinity };

interface Page {
  readonly batches: readonly BatchView[];
  /** Where to go on; in reverse, `until` of the next page. */
  readonly next: number;
  readonly logStartOffset: number;
  readonly nextOffset: number;
}

/** Where the reader is. */
interface Place {
  readonly from: number | undefined;
  readonly until: number | undefined;
}

/**
 * Reads as `Backend.batches` says. A follower outlives a lost connection: it goes on where it was
 * when the server is back.
 */
export async function* readBatches(
  requests: Requests,
  topic: string,
  options: ReadOptions,
): AsyncGenerator<BatchView, void, undefined> {
  requests.checkOpen();
  if (options.reverse && options.follow) {
    throw new SeglogError("invalid-argument", "Cannot follow a log in reverse");
  }
  const ending = new AbortController();
  const end = () => ending.abort();
  if (options.signal?.aborted) return;
  options.signal?.addEventListener("abort", end, { once: true });
  const fetchPage = pageFetcher(requests, topic, options, ending.signal);
  try {
    let place: Place | undefined = { from: options.from, until: options.until };
    let upcoming: Promise<Page> | undefined = fetchPage(place, true);
    let isFirst = true;
    while (place !== undefined && upcoming !== undefined) {
      const page: Page = await upcoming;
      const wanted: OffsetRange = isFirst ? EVERYTHING : behind(place, options);
      isFirst = false;
      place = placeAfter(page, place, options);
      upcoming = place === undefined ? undefined : fetchPage(place, false);
      upcoming?.catch(() => {}); // it is awaited in the next round, if there is one
      for (const batch of page.batches) {
        if (ending.signal.aborted) return;
        const trimmed = trimBatch(batch, wanted);
        if (trimmed !== undefined) yield trimmed;
      }
    }
  } catch (error) {
    if (!options.signal?.aborted) throw error;
  } finally {
    options.signal?.removeEventListener("abort", end);
    end();
  }
}

/** What the pages before did not hold: a batch that compaction wrote since may reach into them. */
function behind({ from, until }: Place, { reverse }: ReadOptions): OffsetRange {
  return reverse ? { from: 0, until: until! } : { from: from!, until: Infinity };
}

/** Where the next page starts, or `undefined` after the last. */
function placeAfter(page: Page, before: Place, options: ReadOptions): Place | undefined {
  const { next } = page;
  if (options.reverse) {
    const from = options.from ?? page.logStartOffset;
    return next <= from ? undefined : { from: before.from, until: next };
  }
  if (options.follow) {
    const { until } = options;
    return until !== undefined && next >= until ? undefined : { from: next, until };
  }
  // The end is where it was when reading began.
  const until = Math.min(before.until ?? Infinity, page.nextOffset);
  return next >= until ? undefined : { from: next, until };
}

function pageFetcher(
  requests: Requests,
  topic: string,
  options: ReadOptions,
  signal: AbortSignal,
): (place: Place, isFirst: boolean) => Promise<Page> {
  // Two pages are held: the one that is used, and the next.
  const bytesWanted = Math.ceil((options.readAheadBytes ?? Infinity) / 2);
  const pageBytes = Math.max(PAGE_BYTES_MIN, Math.min(PAGE_BYTES_MAX, bytesWanted));
  return async ({ from, until }, isFirst) => {
    const query = new URLSearchParams({ maxBytes: String(pageBytes) });
    if (options.partition !== undefined) query.set("partition", String(options.partition));
    if (from !== undefined) query.set("from", String(from));
    if (until !== undefined) query.set("until", String(until));
    if (options.reverse) query.set("reverse", "true");
    if (options.key !== undefined) query.set("keyBase64", encodeBase64(options.key));
    if (options.follow) query.set("wait", `${WAIT_MS}ms`);
    const minOffsetWaitMs = isFirst ? askMinOffset(query, options) : 0;
    const startMs = performance.now();
    // A follower that was under way waits for its server as long as it takes.
    const retries = options.follow && !isFirst ? Infinity : requests.policy.retries;
    const ask = () =>
      requests.read({
        method: "GET",
        path: `${topicPath(topic)}/records?${query}`,
        headers: { accept: "application/vnd.seglog.batch" },
        bytesMax: pageBytes + BEYOND_BYTES_MAX,
        waitMs: minOffsetWaitMs + (options.follow ? WAIT_MS : 0),
        signal,
        policy: { ...requests.policy, retries },
      });
    const page = isRecorded()
      ? await pageInSpan(topic, options, ask)
      : pageOf(goodAnswer(await ask()));
    const isEarly = page.batches.length === 0 && performance.now() - startMs < EARLY_MS;
    if (options.follow && isEarly) await sleep(EARLY_MS, signal);
    return page;
  };
}

/** Asks to begin only when the end has passed an offset. @returns how long that may take */
function askMinOffset(query: URLSearchParams, options: ReadOptions): number {
  const { minOffset, minOffsetWaitMs = MIN_OFFSET_WAIT_MS_DEFAULT } = options;
  if (minOffset === undefined) return 0;
  query.set("min-offset", String(minOffset));
  query.set("min-offset-wait", `${minOffsetWaitMs}ms`);
  return minOffsetWaitMs;
}

/** One page as part of a trace. Followers ask all the time, and need not begin traces by that. */
function pageInSpan(
  topic: string,
  { partition = 0 }: ReadOptions,
  ask: () => Promise<Answer>,
): Promise<Page> {
  return inSpan(messagingSpan("read", { topic, partition }, SpanKind.CONSUMER), async (span) => {
    const page = pageOf(goodAnswer(await ask()));
    noteRead(span, page.batches);
    return page;
  });
}

function pageOf(answer: Answer): Page {
  const { body } = answer;
  const batches: BatchView[] = [];
  for (let at = 0; at < body.length;) {
    const batch = decodeBatch(body, at, WIRE_SALT);
    if (typeof batch === "string") {
      throw new SeglogError(
        "io",
        `Cannot read a page of batches: at byte ${at} of ${body.length}, ${batch}`,
      );
    }
    batches.push(batch);
    at += batch.bytes.length;
  }
  return {
    batches,
    next: offsetHeader(answer, "seglog-next"),
    logStartOffset: offsetHeader(answer, "seglog-log-start-offset"),
    nextOffset: offsetHeader(answer, "seglog-next-offset"),
  };
}
