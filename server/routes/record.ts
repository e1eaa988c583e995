/**
 * One record by its offset.
 *
 * @module
 */
import { onTopic } from "../access/access.ts";
import { PARTITIONS_MAX } from "../../core/base/limits.ts";
import type { LogRecord } from "../../core/format/record.ts";
import { formatRecordShape } from "../../core/format/write_shape.ts";
import { jsonText, wholeAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { BYTES_TYPE, JSON_TYPE, negotiate } from "../media_types.ts";
import { MIN_OFFSET_PARAMETERS, waitForWanted, wantedOffset } from "../min_offset.ts";
import { parseOffset } from "../query.ts";

/** The route of single records. */
export const RECORD_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/topics/:topic/records/:offset",
    access: onTopic("consume"),
    handle: readOne,
  },
];

/** The record's shape, or its value as it is. */
async function readOne(exchange: Exchange): Promise<Response> {
  const { backend, topic, request, services } = exchange;
  const offset = parseOffset(exchange.segment(5));
  const query = exchange.query("partition", ...MIN_OFFSET_PARAMETERS);
  const partition = query.whole("partition", 0, PARTITIONS_MAX - 1) ?? 0;
  const type = negotiate(request, [JSON_TYPE, BYTES_TYPE]);
  await waitForWanted(exchange, { topic, partition }, wantedOffset(query));
  const record = await backend.read(topic, offset, partition);
  services.metrics.sent(1);
  if (type === BYTES_TYPE) return rawValue(record);
  return jsonText(formatRecordShape(record, { topic, partition }));
}

/** A tombstone has no value: 204, where an empty value is 200 with an empty body. */
function rawValue(record: LogRecord): Response {
  const headers: Record<string, string> = {
    "seglog-offset": String(record.offset),
    "seglog-timestamp": new Date(record.timestamp).toISOString(),
    "seglog-type": record.type,
  };
  if (record.value === null) return new Response(null, { status: 204, headers });
  headers["x-content-type-options"] = "nosniff";
  return wholeAnswer(BYTES_TYPE, record.value, { headers });
}
