/** What the end of a stream costs to look at. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { EMPTY_STATE, encodeHead, HEAD_HEADER } from "../../jetstream/log_state.ts";
import { MessageCache } from "../../jetstream/message_cache.ts";
import { PartitionStream } from "../../jetstream/partition_stream.ts";
import { partitionNames } from "../../jetstream/stream_names.ts";
import type { RawMessage } from "../../jetstream/stored_message.ts";
import type { MessageQuery, Streams } from "../../jetstream/streams.ts";

test("the last message is not read again and again where nothing comes", async () => {
  const asked: string[] = [];
  const last = rawMessage(7);
  const streams = {
    message: (_: string, query: MessageQuery) => {
      const isLast = "last_by_subj" in query;
      asked.push(isLast ? "last" : "next");
      return Promise.resolve(isLast ? last : undefined);
    },
  };
  const stream = streamOf(streams);
  assert.equal((await stream.tip()).sequence, 7);
  await stream.tip();
  stream.doubtTip();
  for (let i = 0; i < 3; i++) await stream.tip();
  assert.deepEqual(asked, ["last", "next", "last", "next", "next"]);
});

test("an end that was seen is not unseen, unless a lower one is told for long", async () => {
  for (const [timeoutMs, expected] of [[60_000, 7], [0, 3]] as const) {
    let sequence = 7;
    const streams = { message: () => Promise.resolve(rawMessage(sequence)) };
    const stream = streamOf(streams, timeoutMs);
    assert.equal((await stream.tip()).sequence, 7);
    sequence = 3; // as a leader that was replaced tells
    stream.doubtTip();
    assert.equal((await stream.tip()).sequence, expected);
  }
});

/** A message without content that leaves a log empty. */
function rawMessage(seq: number): RawMessage {
  const head = encodeHead({ baseOffset: 0, state: EMPTY_STATE, pieces: 1, isPiece: false });
  const hdrs = Buffer.from(`NATS/1.0\r\n${HEAD_HEADER}: ${head}\r\n\r\n`).toString("base64");
  return { subject: "x", seq, hdrs };
}

/** A stream that is asked for by way of `streams`. */
function streamOf(streams: unknown, timeoutMs = 1000): PartitionStream {
  return new PartitionStream({
    streams: streams as Streams,
    names: partitionNames("seglog", { id: "a".repeat(32) }, 0),
    cache: new MessageCache(),
    what: '"orders"',
    timeoutMs,
  });
}
