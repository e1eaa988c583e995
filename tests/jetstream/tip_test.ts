/** What the end of a stream costs to look at. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { EMPTY_STATE, encodeHead, HEAD_HEADER } from "../../jetstream/log_state.ts";
import { MessageCache } from "../../jetstream/message_cache.ts";
import { PartitionStream } from "../../jetstream/partition_stream.ts";
import { partitionNames } from "../../jetstream/stream_names.ts";
import type { MessageQuery, Streams } from "../../jetstream/streams.ts";

test("the last message is not read again and again where nothing comes", async () => {
  const asked: string[] = [];
  const head = encodeHead({ baseOffset: 0, state: EMPTY_STATE, pieces: 1, isPiece: false });
  const last = {
    subject: "x",
    seq: 7,
    hdrs: Buffer.from(`NATS/1.0\r\n${HEAD_HEADER}: ${head}\r\n\r\n`).toString("base64"),
  };
  const streams = {
    message: (_: string, query: MessageQuery) => {
      const isLast = "last_by_subj" in query;
      asked.push(isLast ? "last" : "next");
      return Promise.resolve(isLast ? last : undefined);
    },
  };
  const stream = new PartitionStream({
    streams: streams as unknown as Streams,
    names: partitionNames("seglog", { id: "a".repeat(32) }, 0),
    cache: new MessageCache(),
    what: '"orders"',
    timeoutMs: 1000,
  });
  assert.equal((await stream.tip()).sequence, 7);
  await stream.tip();
  stream.doubtTip();
  for (let i = 0; i < 3; i++) await stream.tip();
  assert.deepEqual(asked, ["last", "next", "last", "next", "next"]);
});
