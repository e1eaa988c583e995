/** What is said of a message when several things go wrong with it, one after another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { errors } from "@nats-io/transport-node";
import { SeglogError } from "../../core/base/errors.ts";
import type { Connection } from "../../jetstream/connection.ts";
import { EMPTY_STATE } from "../../jetstream/log_state.ts";
import type { PartitionStream } from "../../jetstream/partition_stream.ts";
import { Publisher } from "../../jetstream/publisher.ts";
import { partitionNames } from "../../jetstream/stream_names.ts";
import { rejectsWith } from "../support/collect.ts";

const message = {
  baseOffset: 0,
  state: EMPTY_STATE,
  data: new Uint8Array(100_000),
  producer: undefined,
  isControl: false,
  taken: [],
  settle: () => {},
};

/**
 * Publishes where each try ends with one of these errors, and then nobody can be asked for the stream.
 *
 * @param payloadBytesMax what the servers take when there is a connection
 */
function publishWith(tries: Error[], payloadBytesMax = 1024 * 1024): Promise<unknown> {
  const connection = {
    timeoutMs: 1000,
    payloadBytesMax: 1024 * 1024,
    connected: () => {
      connection.payloadBytesMax = payloadBytesMax;
      return Promise.resolve();
    },
    ask: () => Promise.reject(tries.length > 1 ? tries.shift() : tries[0]),
  };
  const away = () => Promise.reject(new SeglogError("unavailable", "no leader"));
  const stream = {
    what: '"orders"',
    names: partitionNames("seglog", { id: "a".repeat(32) }, 0),
    first: away,
    streams: { message: away },
  };
  const publisher = new Publisher(
    stream as unknown as PartitionStream,
    connection as unknown as Connection,
  );
  return publisher.publish(message, { sequence: 0, state: EMPTY_STATE });
}

test("a message that nobody ever heard is not stored", async () => {
  await rejectsWith("unavailable", () => publishWith([new errors.NoRespondersError("x")]));
});

test("one that somebody may have heard before all went away is unknown", async () => {
  const tries = [new errors.TimeoutError(), new errors.NoRespondersError("x")];
  await rejectsWith("outcome-unknown", () => publishWith(tries));
});

test("one that is larger than what the servers take by now is not sent, and made anew", async () => {
  const sent = new Error("it was sent");
  assert.equal(await publishWith([sent], 16 * 1024), undefined);
});
