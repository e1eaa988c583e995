/**
 * Appends a JSON body: one record or an array of them, as one batch.
 *
 * @module
 */
import { decodeUtf8, isValidUtf8 } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import { parsePlainShapes } from "../core/format/plain_shape.ts";
import { parseRecordShapes, type ShapedRecord } from "../core/format/record_shape.ts";
import { jsonAnswer } from "./answers.ts";
import { appendOptions } from "./append_options.ts";
import { appendAnswer } from "./append_progress.ts";
import type { Exchange } from "./exchange.ts";
import { JSON_BODY_BYTES_MAX, JSON_BODY_RECORDS_MAX } from "./limits.ts";

/** Answers when all records are in, or none. */
export function appendJson(exchange: Exchange): Promise<Response> {
  const { topic, backend, services } = exchange;
  const options = appendOptions(exchange, exchange.query("partition"));
  return exchange.body(JSON_BODY_BYTES_MAX, async (body) => {
    const shaped = parsePlainShapes(body, JSON_BODY_RECORDS_MAX) ??
      parseRecordShapes(utf8Text(body), JSON_BODY_RECORDS_MAX);
    if (shaped.length === 0) {
      throw new SeglogError("invalid-argument", "Cannot append no records: the array is empty");
    }
    const partition = options.partition ?? namedPartition(shaped);
    const records = shaped.map(({ record }) => record);
    const result = await backend.append(topic, records, { ...options, partition });
    services.metrics.appended(records.length);
    return jsonAnswer(appendAnswer(result));
  });
}

/** Text of a body that must be UTF-8. @throws {SeglogError} `invalid-argument` */
export function utf8Text(body: Uint8Array): string {
  if (isValidUtf8(body)) return decodeUtf8(body);
  throw new SeglogError("invalid-argument", "Cannot read the body: JSON is UTF-8, and it is not");
}

/** The partition that the records name themselves. @throws {SeglogError} `invalid-argument` */
function namedPartition(shaped: readonly ShapedRecord[]): number | undefined {
  let named: number | undefined;
  for (const { partition } of shaped) {
    if (partition === undefined || partition === named) continue;
    if (named !== undefined) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot append records for partitions ${named} and ${partition} as one batch: ` +
          "append them separately, or as application/x-ndjson",
      );
    }
    named = partition;
  }
  return named;
}
