import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTopicConfig } from "../core/topic_config.ts";

test("every setting is taken within its bounds", () => {
  const all = {
    partitions: 1024,
    segmentBytes: 4096,
    segmentAgeMs: 1,
    retentionMs: 1,
    retentionBytes: null,
    retentionRecords: 5,
    sync: "interval:1ms",
    compression: "zstd",
  };
  assert.deepEqual(parseTopicConfig(all), all);
  assert.deepEqual(parseTopicConfig({}), {});
});

test("a setting out of bounds is refused, and the message says what it may be", () => {
  const refused: [unknown, RegExp][] = [
    [{ partitions: 0 }, /partitions to 0: it must be a whole number from 1 to 1024/],
    [{ partitions: 1025 }, /from 1 to 1024/],
    [{ partitions: "2" }, /partitions to "2"/],
    [{ segmentBytes: 0 }, /from 4096 to/],
    [{ segmentBytes: 4e9 }, /from 4096 to/],
    [{ retentionMs: 0 }, /or null for no limit/],
    [{ retentionRecords: -1 }, /or null/],
    [{ sync: "never" }, /"always", "os" or an interval/],
    [{ compression: "lz4" }, /none, gzip, zstd/],
    [{ toString: 1 }, /the settings are partitions, segmentBytes/],
    [JSON.parse('{"__proto__":1}'), /Cannot set "__proto__"/],
    [null, /give an object/],
    [[], /give an object/],
    ["x", /give an object/],
  ];
  for (const [input, message] of refused) {
    assert.throws(() => parseTopicConfig(input), { code: "invalid-argument", message });
  }
});
