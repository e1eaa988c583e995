/**
 * The small publish/read API: one value in, one value out.
 *
 * @module
 */
import { RECOGNIZED } from "../access/access.ts";
import { decodeBase64, encodeBase64 } from "../../core/base/base64.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { decodeUtf8, isValidUtf8 } from "../../core/base/bytes.ts";
import { sliceObject } from "../../core/format/json_slices.ts";
import type { LogRecord, RecordInput } from "../../core/format/record.ts";
import { jsonAnswer, jsonText } from "../answers.ts";
import { utf8Text } from "../append_json.ts";
import type { Exchange, Route } from "../exchange.ts";
import { JSON_BODY_BYTES_MAX } from "../limits.ts";
import { MIN_OFFSET_PARAMETERS, waitForWanted, wantedOffset } from "../min_offset.ts";
import { DEFAULT_PARTITION_KEY, topicOfPartitionKey } from "../partition_keys.ts";
import { parseOffset } from "../query.ts";

const DATA_TYPE = { json: 0, bytes: 1, text: 2 } as const;

/** The routes of the small API. */
export const SMALL_API_ROUTES: readonly Route[] = [
  { method: "POST", path: "/publish", access: RECOGNIZED, work: "write", handle: publish },
  { method: "GET", path: "/read", access: RECOGNIZED, work: "read", handle: read },
];

/** Any Content-Type will do, as the body can only be JSON. */
function publish(exchange: Exchange): Promise<Response> {
  const { backend, services } = exchange;
  return exchange.body(JSON_BODY_BYTES_MAX, async (body) => {
    const { topic, record } = publication(utf8Text(body));
    const { start } = await backend.append(topic, [record], { partition: 0 });
    services.metrics.appended(1);
    return jsonAnswer({ status: "ok", offset: start });
  });
}

async function read(exchange: Exchange): Promise<Response> {
  const query = exchange.query("partition", "offset", ...MIN_OFFSET_PARAMETERS);
  const partitionKey = query.text("partition") ?? DEFAULT_PARTITION_KEY;
  const offsetText = query.text("offset");
  if (offsetText === undefined) {
    throw new SeglogError("invalid-argument", "Cannot read: give offset=N");
  }
  const offset = parseOffset(offsetText);
  const topic = topicOfPartitionKey(partitionKey);
  await waitForWanted(exchange, { topic }, wantedOffset(query));
  const record = await exchange.backend.read(topic, offset);
  exchange.services.metrics.sent(1);
  const { data, dataType } = dataOf(record);
  const key = JSON.stringify(partitionKey);
  return jsonText(
    `{"offset":${offset},"data":${data},"data_type":${dataType},"partition_key":${key}}`,
  );
}

function publication(text: string): { topic: string; record: RecordInput } {
  const members = objectOf(text);
  const { data, data_type: dataType = 0, partition_key: key = DEFAULT_PARTITION_KEY } = members;
  if (typeof key !== "string") throw invalid("partition_key must be a string");
  if (data === undefined) throw invalid('"data" is missing');
  const topic = topicOfPartitionKey(key);
  if (dataType === DATA_TYPE.json) {
    return { topic, record: { value: sliceObject(text).get("data")!, type: "json" } };
  }
  if (dataType === DATA_TYPE.bytes) {
    const value = typeof data === "string" ? decodeBase64(data) : undefined;
    if (value === undefined) throw invalid("data of data_type 1 must be base64 text");
    return { topic, record: { value } };
  }
  if (dataType !== DATA_TYPE.text) {
    throw invalid("data_type must be 0 for JSON, 1 for base64 or 2 for a string");
  }
  if (typeof data !== "string") throw invalid("data of data_type 2 must be a string");
  if (!data.isWellFormed()) throw invalid("data has half of a surrogate pair");
  return { topic, record: { value: data, type: "text" } };
}

function objectOf(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new SeglogError("invalid-argument", `Cannot publish: ${messageOf(cause)}`, { cause });
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw invalid('give an object such as {"data":{"qty":2},"partition_key":"orders"}');
}

/** JSON text of a record's data. A tombstone, which only other means can write, is null. */
function dataOf({ type, value }: LogRecord): { data: string; dataType: number } {
  if (value === null) return { data: "null", dataType: DATA_TYPE.json };
  if (type === "json") return { data: decodeUtf8(value), dataType: DATA_TYPE.json };
  if (type === "text" && isValidUtf8(value)) {
    return { data: JSON.stringify(decodeUtf8(value)), dataType: DATA_TYPE.text };
  }
  return { data: `"${encodeBase64(value)}"`, dataType: DATA_TYPE.bytes };
}

function invalid(why: string): SeglogError {
  return new SeglogError("invalid-argument", `Cannot publish: ${why}`);
}
