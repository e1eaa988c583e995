/**
 * Appends a streamed body of one record a line, in bounded memory: a batch at a time, the next
 * lines being read only when it is in.
 *
 * @module
 */
import { decodeUtf8, isValidUtf8 } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import { parsePlainShape } from "../core/format/plain_shape.ts";
import { parseRecordShape, type ShapedRecord } from "../core/format/record_shape.ts";
import { credentialsEnded } from "./access/credentials_ended.ts";
import { jsonAnswer } from "./answers.ts";
import { appendOptions, refuseConditions } from "./append_options.ts";
import { AppendProgress } from "./append_progress.ts";
import type { Exchange } from "./exchange.ts";
import { LINE_LINGER_MS } from "./limits.ts";
import { LineBatch } from "./line_batch.ts";
import { readLines } from "./line_reader.ts";
import { NDJSON_TYPE } from "./media_types.ts";
import { countedBody } from "./metrics/counted_body.ts";
import { patience } from "./patience.ts";
import { checkEncoding } from "./request_body.ts";

/**
 * Answers when all lines are in. An error tells its line; the lines before it are in, and those
 * after it are not.
 */
export async function appendLines(exchange: Exchange): Promise<Response> {
  const { topic, backend, services, visitor } = exchange;
  const options = appendOptions(exchange, exchange.query("partition"));
  refuseConditions(options, NDJSON_TYPE);
  checkEncoding(exchange.request);
  const progress = new AppendProgress(services.metrics);
  const batch = new LineBatch({ backend, topic, options, progress });
  let line = 0;
  /** A failure between two appends: what came before it is appended, then it is told. */
  const fail = async (error: unknown): Promise<never> => {
    if (!visitor.ended.aborted) await batch.flush();
    throw progress.explain(error, { line });
  };
  const lines = linesOf(exchange);
  try {
    for (;;) {
      const next = await lines.next().catch((error) => {
        line++;
        return fail(error);
      });
      if (next.done) break;
      for (const bytes of next.value) {
        line++;
        if (isBlank(bytes)) continue;
        const shaped = parseLine(bytes);
        if (shaped instanceof SeglogError) return await fail(shaped);
        await batch.add(shaped, bytes.length, line);
      }
      if (next.value.length === 0) await batch.flush();
    }
  } finally {
    await lines.return(); // what is not read to the end gives its memory back all the same
  }
  await batch.flush();
  if (progress.records === 0) {
    throw new SeglogError("invalid-argument", "Cannot append no records: the body has no lines");
  }
  return jsonAnswer(progress.answer(topic));
}

/** Lines until the body ends, the server stops, or whoever sends them is let in no longer. */
async function* linesOf(
  { request, services, visitor }: Exchange,
): AsyncGenerator<Uint8Array[], void, undefined> {
  const { limits, budget, metrics, stopping } = services;
  const body = request.body ?? new Blob([]).stream();
  const counted = countedBody(body, (bytes) => metrics.receivedBytes("http", bytes));
  const ending = patience([stopping, visitor.ended]);
  try {
    yield* readLines(counted, {
      lineBytesMax: limits.bodyBytesMax,
      silenceMs: limits.bodyMs,
      lingerMs: LINE_LINGER_MS,
      budget,
      ending: ending.signal,
      endedBy: () =>
        visitor.ended.aborted
          ? credentialsEnded()
          : new SeglogError("unavailable", "Cannot take more lines: the server is stopping"),
    });
  } finally {
    ending.release();
  }
}

/** The record of a line, or why there is none. */
function parseLine(bytes: Uint8Array): ShapedRecord | SeglogError {
  try {
    const plain = parsePlainShape(bytes);
    if (plain !== undefined) return plain;
    if (isValidUtf8(bytes)) return parseRecordShape(decodeUtf8(bytes));
    return new SeglogError("invalid-argument", "Cannot read a record: the line is not UTF-8");
  } catch (error) {
    if (error instanceof SeglogError) return error;
    throw error;
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09);
}
