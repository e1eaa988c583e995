/**
 * Reading as a stream through `LogService`: nothing is read ahead of a client that is slow.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { wireBytes } from "../../core/format/batch.ts";
import { intact } from "../read_batches.ts";
import { portionOf } from "../read_range.ts";
import type { Call } from "./call.ts";
import { isEncoded, rangeOf } from "./consume_range.ts";
import type { LogRecordSchema } from "./generated/seglog/v1/log_record_pb.js";
import type {
  ConsumeStreamRequest,
  ConsumeStreamResponseSchema,
} from "./generated/seglog/v1/log_service_pb.js";
import { SENT_BYTES, SENT_RECORDS_MAX } from "./limits.ts";
import { recordMessage } from "./messages.ts";

type Sent = MessageInitShape<typeof ConsumeStreamResponseSchema>;

/**
 * All of a range, and with `follow` what comes later. Batches that are asked for as they are stored
 * are checked and handed on; no record of them is decoded.
 *
 * @throws {SeglogError} `offset-out-of-range` with the first readable offset, also for a follower
 * that retention has overtaken
 */
export async function* consumeStream(
  request: ConsumeStreamRequest,
  call: Call,
): AsyncGenerator<Sent, void, undefined> {
  const { services, visitor: { backend }, signal } = call;
  const { follow, format } = request;
  const encoded = isEncoded(format);
  const range = await rangeOf(request, { call, waitMs: 0 });
  const { topic, partition, from, key } = range;
  const until = follow ? range.untilAsked : range.until;
  if (until !== undefined && from >= until) return;
  const cut = { ...range, until: until ?? Infinity };
  const ended = services.metrics.follower();
  try {
    for await (
      const batch of backend.batches(topic, {
        partition,
        from,
        ...until === undefined ? {} : { until },
        key,
        follow,
        signal,
      })
    ) {
      if (encoded) {
        services.metrics.sent(batch.header.recordCount);
        const bytes = wireBytes(intact(batch)) as Uint8Array<ArrayBuffer>;
        yield { batch: bytes, next: BigInt(Math.min(cut.until, batch.nextOffset)) };
        continue;
      }
      for (const message of messagesOf(portionOf(batch, cut))) {
        services.metrics.sent(message.records.length);
        yield message;
      }
    }
  } finally {
    ended();
  }
}

interface RecordsMessage {
  readonly records: MessageInitShape<typeof LogRecordSchema>[];
  readonly next: bigint;
}

/** The records of a portion in messages that are not too large, each made when it is asked for. */
function* messagesOf(
  { records, next }: ReturnType<typeof portionOf>,
): Generator<RecordsMessage, void, undefined> {
  let gathered: RecordsMessage["records"] = [];
  let bytes = 0;
  for (const record of records) {
    if (gathered.length >= SENT_RECORDS_MAX || bytes >= SENT_BYTES) {
      yield { records: gathered, next: BigInt(record.offset) };
      gathered = [];
      bytes = 0;
    }
    gathered.push(recordMessage(record));
    bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
  }
  if (gathered.length > 0) yield { records: gathered, next: BigInt(next) };
}
