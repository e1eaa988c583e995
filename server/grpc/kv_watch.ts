/**
 * Changes of a bucket as they come.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { outOfRange } from "../../core/base/offset_errors.ts";
import type { KvChange } from "../../core/kv/kv_entry.ts";
import { rangeOf } from "../../core/kv/kv_snapshot.ts";
import { demand } from "../access/principal.ts";
import { changesOf } from "../kv_read.ts";
import type { Call } from "./call.ts";
import type { KvWatchRequest, KvWatchResponseSchema } from "./generated/seglog/v1/kv_service_pb.js";
import { valueMessage } from "./kv_messages.ts";
import { maybeWhole, named } from "./messages.ts";

type Sent = MessageInitShape<typeof KvWatchResponseSchema>;

/**
 * One message a change, from a revision on, or of what comes from now on.
 *
 * @throws {SeglogError} `not-found`; `offset-out-of-range` for a revision that is not there any more,
 * or will not be the next
 */
export async function* kvWatch(
  request: KvWatchRequest,
  { services, visitor: { principal, tenant }, signal }: Call,
): AsyncGenerator<Sent, void, undefined> {
  const bucket = named(request.bucket, "bucket");
  demand(principal, "consume", bucket);
  const { case: kind, value } = request.keys;
  const watched = kind === "key" ? value : { prefix: value ?? "" };
  if (typeof watched !== "string") rangeOf(watched);
  const asked = maybeWhole(request.from, "from");
  const { kv, release } = await tenant.buckets.hold(bucket, { create: false });
  const ended = services.metrics.follower();
  try {
    if (asked !== undefined) {
      const bounds = await tenant.backend.bounds(bucket);
      const isThere = asked >= bounds.logStartOffset && asked <= bounds.nextOffset;
      if (!isThere) throw outOfRange(`"${bucket}"`, asked, bounds);
    }
    const from = asked ?? kv.revision + 1;
    for await (const change of changesOf(tenant, kv, { watched, from, signal })) {
      services.metrics.sent(1);
      yield changeMessage(change);
    }
  } finally {
    release();
    ended();
  }
}

function changeMessage(change: KvChange): Sent {
  const { key, revision } = change;
  if (change.kind === "set") {
    const { entry } = change;
    const timestampMs = BigInt(entry.timestamp);
    return { key, revision: BigInt(revision), timestampMs, value: valueMessage(entry) };
  }
  return { key, revision: BigInt(revision), timestampMs: BigInt(change.timestamp) };
}
