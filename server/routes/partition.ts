/**
 * One partition's ends: where they are, moving them, making them durable.
 *
 * @module
 */
import { onTopic, RECOGNIZED } from "../access/access.ts";
import type { TruncateOptions } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { PARTITIONS_MAX } from "../../core/base/limits.ts";
import { parseOffsetSelector } from "../../core/offset_range.ts";
import { jsonAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { SETTINGS_BYTES_MAX } from "../limits.ts";
import { contentTypeOf, JSON_TYPE, unsupportedType } from "../media_types.ts";

const TRUNCATE_MEMBERS = ["before", "after", "partition"];

/** The routes of a partition's ends. */
export const PARTITION_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/topics/:topic/bounds", access: RECOGNIZED, handle: bounds },
  { method: "GET", path: "/v1/topics/:topic/offset", access: onTopic("consume"), handle: offsetAt },
  {
    method: "POST",
    path: "/v1/topics/:topic/truncate",
    access: onTopic("admin"),
    handle: truncate,
  },
  { method: "POST", path: "/v1/topics/:topic/compact", access: onTopic("admin"), handle: compact },
  { method: "POST", path: "/v1/topics/:topic/flush", access: onTopic("produce"), handle: flush },
];

async function bounds(exchange: Exchange): Promise<Response> {
  const { backend, topic } = exchange;
  const partition = exchange.query("partition").whole("partition", 0, PARTITIONS_MAX - 1) ?? 0;
  return jsonAnswer({ topic, partition, ...await backend.bounds(topic, partition) });
}

async function offsetAt(exchange: Exchange): Promise<Response> {
  const { backend, topic, services } = exchange;
  const query = exchange.query("time", "partition");
  const partition = query.whole("partition", 0, PARTITIONS_MAX - 1) ?? 0;
  const time = query.text("time");
  const selector = time === undefined
    ? undefined
    : parseOffsetSelector(`@${time}`, services.clock.now());
  if (selector?.kind !== "time") {
    throw new SeglogError(
      "invalid-argument",
      "Cannot look up a time: give time=2026-11-20T12:00Z, milliseconds since 1970, or -1h",
    );
  }
  const offset = await backend.offsetAt(topic, selector.timestampMs, partition);
  return jsonAnswer({ topic, partition, offset });
}

/** A page in a browser can send plain text anywhere, so only JSON that says so removes records. */
async function truncate(exchange: Exchange): Promise<Response> {
  const { backend, topic, request } = exchange;
  const type = contentTypeOf(request);
  if (type !== JSON_TYPE) throw unsupportedType(type, [JSON_TYPE]);
  const options = truncateOptions(await exchange.settings(SETTINGS_BYTES_MAX));
  const after = await backend.truncate(topic, options);
  return jsonAnswer({ topic, partition: options.partition ?? 0, ...after });
}

/** Answers when it is done, which may take long. A client that goes away ends it. */
async function compact(exchange: Exchange): Promise<Response> {
  const { backend, topic, request, services } = exchange;
  const type = contentTypeOf(request);
  if (type !== JSON_TYPE) throw unsupportedType(type, [JSON_TYPE]);
  const partition = partitionOnly(await exchange.settings(SETTINGS_BYTES_MAX));
  const signal = AbortSignal.any([request.signal, services.stopping]);
  return jsonAnswer(await backend.compact(topic, { ...partition, signal }));
}

async function flush({ backend, topic }: Exchange): Promise<Response> {
  await backend.flush(topic);
  return new Response(null, { status: 204 });
}

function partitionOnly(input: unknown): { partition?: number } {
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  const { partition, ...others } = isObject
    ? input as Record<string, unknown>
    : { partition: null };
  const isNumber = Number.isSafeInteger(partition) && (partition as number) >= 0;
  if (Object.keys(others).length === 0 && partition === undefined) return {};
  if (Object.keys(others).length === 0 && isNumber) return { partition: partition as number };
  throw new SeglogError(
    "invalid-argument",
    'Cannot compact: give {} for all partitions, or {"partition":N}',
  );
}

function truncateOptions(input: unknown): TruncateOptions {
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  const members = isObject ? input as Record<string, unknown> : {};
  const { before, after, partition = 0 } = members;
  const isOffset = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const isKnown = Object.keys(members).every((name) => TRUNCATE_MEMBERS.includes(name));
  if (isKnown && isOffset(partition) && (before === undefined) !== (after === undefined)) {
    const place = { partition: partition as number };
    if (isOffset(before)) return { ...place, before: before as number };
    // The record before the first one is the last that stays: none does.
    if (isOffset(after) || after === -1) return { ...place, after: after as number };
  }
  throw new SeglogError(
    "invalid-argument",
    'Cannot truncate: give {"before":N} or {"after":N} with an offset, ' +
      'and "partition" if it is not 0',
  );
}
