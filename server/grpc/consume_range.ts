/**
 * Which records a request to read is about.
 *
 * @module
 */
import type { OffsetSelector } from "../../core/offset_range.ts";
import { waitForWanted } from "../min_offset.ts";
import { type ReadRange, resolveRange } from "../read_range.ts";
import type { Call } from "./call.ts";
import {
  ConsumeFormat,
  type ConsumeRequest,
  type StartPosition,
} from "./generated/seglog/v1/log_service_pb.js";
import { invalidMember, named, whole } from "./messages.ts";
import { waitingOf, wantedOffset } from "./min_offset.ts";

/** What all requests to read have. */
export type RangeRequest = Pick<
  ConsumeRequest,
  "topic" | "partition" | "from" | "until" | "key" | "minOffset" | "minOffsetWaitMs"
>;

/**
 * The range in offsets, when the offset is there that has to be there.
 *
 * @throws {SeglogError} `not-found`, `offset-out-of-range`, `unavailable`, …
 */
export async function rangeOf(
  request: RangeRequest,
  { call, waitMs }: { readonly call: Call; readonly waitMs: number },
): Promise<ReadRange> {
  const { partition, from, until, key } = request;
  const topic = named(request.topic, "topic");
  await waitForWanted(waitingOf(call), { topic, partition }, wantedOffset(request));
  return await resolveRange(call.visitor.backend, {
    topic,
    partition,
    reverse: false,
    key,
    waitMs,
    from: startOf(from),
    until: until === undefined ? undefined : { kind: "offset", offset: whole(until, "until") },
  });
}

/** Whether batches are asked for as they are stored. @throws {SeglogError} `invalid-argument` */
export function isEncoded(format: ConsumeFormat): boolean {
  if (format === ConsumeFormat.BATCHES) return true;
  if (format === ConsumeFormat.RECORDS) return false;
  throw invalidMember("format", `is ${format}, which this version does not know`);
}

function startOf(start: StartPosition | undefined): OffsetSelector | undefined {
  const { case: kind, value } = start?.position ?? { case: undefined };
  switch (kind) {
    case "offset":
      return { kind: "offset", offset: whole(value, "from.offset") };
    case "timestampMs":
      return { kind: "time", timestampMs: whole(value, "from.timestamp_ms") };
    case "last":
      return { kind: "last", count: whole(value, "from.last") };
    default:
      return undefined;
  }
}
