/** Keeps core/format/README.md true: its example, its tables and its numbers. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { ByteWriter, concatBytes, encodeUtf8 } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import * as limits from "../../core/base/limits.ts";
import { BatchBuilder } from "../../core/format/batch_builder.ts";
import { encodeBatchHeader } from "../../core/format/batch_header.ts";
import { encodeSegmentHeader } from "../../core/format/segment_header.ts";
import { segmentFileName } from "../../core/format/file_names.ts";
import { DEFAULT_LOG_SETTINGS } from "../../core/format/log_settings.ts";
import { KeyFilterBuilder } from "../../core/log/key_filter.ts";
import { batchesOf } from "../golden/read_segment.ts";

const page = fs.readFileSync(new URL("../../core/format/README.md", import.meta.url), "utf8");
const NOON = Date.UTC(2026, 10, 20, 12);

test("the worked example is what seglog writes, byte for byte", () => {
  const salt = 0x5eed5eed;
  const segment = encodeSegmentHeader({
    salt,
    baseOffset: 41,
    logId: "00112233445566778899aabbccddeeff",
    createdMs: NOON,
  });
  const writer = new ByteWriter();
  const builder = new BatchBuilder(writer, 41);
  builder.add([
    {
      key: "u1",
      value: '{"qty":12}',
      type: "json",
      headers: { trace: "a1" },
      timestamp: NOON,
    },
    { key: "u1", value: null, timestamp: NOON + 1 },
  ], 0);
  const { end, header } = builder.finish("none");
  const batch = writer.subarray(0, end);
  encodeBatchHeader(batch, 0, { ...header, epoch: 3, durableUpTo: 64 }, salt);
  assert.deepEqual([...exampleBytes()], [...concatBytes([segment, batch])]);
});

test("the worked example reads as the text around it says", () => {
  const [batch, ...others] = batchesOf(exampleBytes());
  assert.equal(others.length, 0);
  const [first, second] = [...batch!.records()];
  assert.deepEqual([first!.offset, first!.timestamp, first!.text], [41, NOON, '{"qty":12}']);
  assert.deepEqual([second!.offset, second!.timestamp, second!.value], [42, NOON + 1, null]);
  assert.ok(page.includes(`0x${NOON.toString(16)}`));
});

test("the table of limits has the numbers of limits.ts", () => {
  const mib = (bytes: number) => `${bytes / 2 ** 20} MiB`;
  const rows = [
    ["a `Record` message", mib(limits.RECORD_BYTES_MAX)],
    [
      "a payload as stored / before compression",
      `${mib(limits.BATCH_STORED_BYTES_MAX)} / ${mib(limits.BATCH_UNCOMPRESSED_BYTES_MAX)}`,
    ],
    ["records in a batch", limits.BATCH_RECORDS_MAX.toLocaleString("en")],
    [
      "headers of a record, bytes of a header's name",
      `${limits.RECORD_HEADERS_MAX}, 1 to ${limits.HEADER_NAME_BYTES_MAX}`,
    ],
    ["bytes of a producer's id", `1 to ${limits.PRODUCER_ID_BYTES_MAX}`],
    ["bytes of a topic's name", `1 to ${limits.TOPIC_NAME_BYTES_MAX}`],
    ["partitions of a topic", limits.PARTITIONS_MAX.toLocaleString("en")],
    ["`partition.json`, `store.json`", mib(limits.MANIFEST_BYTES_MAX)],
  ];
  const table = page.slice(page.indexOf("## Limits"))
    .split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").slice(1, 3).map((cell) => cell.trim()));
  for (const row of rows) {
    assert.ok(table.some(([what, most]) => what === row[0] && most === row[1]), row.join(": "));
  }
  assert.ok(page.includes(limits.BATCH_STORED_BYTES_MAX.toLocaleString("en")));
  assert.ok(page.includes(limits.BATCH_UNCOMPRESSED_BYTES_MAX.toLocaleString("en")));
  assert.ok(page.includes(`${limits.INDEX_INTERVAL_BYTES.toLocaleString("en")} bytes or more`));
  assert.equal(limits.TIMESTAMP_MS_MAX, 2 ** 52 - 1);
});

test("the messages on the page are those of record.proto", () => {
  const proto = fs.readFileSync(
    new URL("../../proto/seglog/v1/record.proto", import.meta.url),
    "utf8",
  );
  const fields = (text: string) =>
    [...text.matchAll(/^ {2}(.*? = \d+;)/gm)].map(([, field]) => field).filter((field) =>
      /^(optional|repeated|map|sint64|uint64|string|ValueType)/.test(field!)
    );
  const shown = page.slice(page.indexOf("```proto"), page.indexOf("## A worked example"));
  assert.deepEqual(fields(shown), fields(proto));
  assert.equal(fields(proto).length, 11);
});

test("the filter on the page is what seglog writes, and holds the key of the example", () => {
  const binding = { salt: 0x5eed5eed, baseOffset: 41, segmentBytes: 176 };
  const builder = new KeyFilterBuilder();
  for (const record of batchesOf(exampleBytes())[0]!.records()) builder.add(record.key!);
  const bytes = exampleBytes(1);
  assert.deepEqual([...bytes], [...builder.encode(binding)]);
  const bits = (from: number) =>
    [...bytes.subarray(from, from + 60)].flatMap((byte, i) =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => 8 * i + bit)
    );
  assert.deepEqual(bits(40), bitsOf(encodeUtf8("u1")));
});

/** The bits of a key in a filter of one block, by the words of the page. */
function bitsOf(key: Uint8Array): number[] {
  const mix = (given: bigint) => {
    let x = given ^ (given >> 16n);
    x = (x * 0x85ebca6bn) & 0xffffffffn;
    x ^= x >> 13n;
    x = (x * 0xc2b2ae35n) & 0xffffffffn;
    return x ^ (x >> 16n);
  };
  let at = mix(BigInt(crc32(key)) ^ 0x9e3779b9n);
  const step = mix(at) | 1n;
  return Array.from({ length: 6 }, () => {
    const bit = Number(at * 480n / 2n ** 32n);
    at = (at + step) & 0xffffffffn;
    return bit;
  }).sort((a, b) => a - b);
}

test("names of files and limits of compaction are as the page says", () => {
  for (const segment of [{ baseOffset: 51200, generation: 2 }, { baseOffset: 77000 }]) {
    assert.ok(page.includes(`\n    ${segmentFileName(segment)}`));
  }
  assert.ok(page.includes(`_generation_, 1 to ${limits.GENERATION_MAX}`));
  const { compaction, garbageRatio, tombstoneMs } = DEFAULT_LOG_SETTINGS;
  assert.ok(page.includes(`\`"${compaction}"\`, ${garbageRatio} and ${tombstoneMs})`));
});

/** The bytes of a block marked `hex`: an address, up to 16 bytes, and a comment in each line. */
function exampleBytes(which = 0): Uint8Array {
  const block = [...page.matchAll(/```hex\n([^`]*)```/g)][which]![1]!;
  const lines = block.trimEnd().split("\n")
    .map((line) => /^\w{4} {2}((?:\w\w ){1,16})/.exec(line)!);
  return Uint8Array.from(
    lines.flatMap((match) => match[1]!.trim().split(" ").map((byte) => parseInt(byte, 16))),
  );
}
