import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import { test } from "node:test";
import { decodeSegmentHeader } from "../../core/format/segment_header.ts";
import { flatten, parseFlatRecords } from "./flat_record.ts";
import { encodeGoldenSegment, GOLDEN_SEGMENTS } from "./golden_segments.ts";
import { batchesOf } from "./read_segment.ts";

const folder = new URL("./v1/", import.meta.url);

for (const segment of GOLDEN_SEGMENTS) {
  const { name } = segment;

  test(`golden segment "${name}" of version 1 reads as it always did`, () => {
    const bytes = readGolden(`${name}.log`);
    const records = batchesOf(bytes).flatMap((batch) => [...batch.records()]);
    const expected = parseFlatRecords(readGolden(`${name}.ndjson`).toString());
    assert.deepEqual(records.map(flatten), expected);
    assert.deepEqual(decodeSegmentHeader(bytes), {
      salt: 0x5eed5eed,
      baseOffset: segment.baseOffset,
      logId: "00112233445566778899aabbccddeeff",
      createdMs: 1_795_176_000_000,
    });
  });

  test(`golden segment "${name}" keeps its batch headers`, () => {
    const headers = batchesOf(readGolden(`${name}.log`)).map(({ header }) => header);
    const written = batchesOf(encodeGoldenSegment(segment)).map(({ header }) => header);
    // Compressed bytes may change with the library that makes them; everything else may not.
    const kept = headers.map((header, i) =>
      header.codec === "none" ? header : {
        ...header,
        payloadCrc: written[i]!.payloadCrc,
        payloadLength: written[i]!.payloadLength,
      }
    );
    assert.deepEqual(written, kept);
  });

  if (segment.batches.some(({ codec = "none" }) => codec !== "none")) continue;
  test(`golden segment "${name}" is what is written today, byte for byte`, () => {
    const written = Buffer.from(encodeGoldenSegment(segment));
    assert.equal(written.toString("hex"), readGolden(`${name}.log`).toString("hex"));
  });
}

test("golden batches have the producers and the offsets that they had", () => {
  const plain = batchesOf(readGolden("plain.log"));
  assert.deepEqual(plain.map((batch) => batch.producer()), [
    undefined,
    undefined,
    { id: "shop-🏪", epoch: 3, sequence: 7 },
  ]);
  assert.deepEqual(plain.map(({ header }) => header.epoch), [1, 1, 2]);
  assert.deepEqual(plain.map(({ header }) => header.durableUpTo), [0, 360, 0]);
  const thinned = batchesOf(readGolden("thinned.log"));
  assert.deepEqual(thinned.map((batch) => [batch.baseOffset, batch.nextOffset]), [
    [100, 112],
    [112, 113],
  ]);
});

test("every golden file is known to this test", () => {
  const known = GOLDEN_SEGMENTS.flatMap(({ name }) => [`${name}.log`, `${name}.ndjson`]);
  assert.deepEqual(fs.readdirSync(folder).toSorted(), known.toSorted());
});

function readGolden(name: string): Buffer {
  return fs.readFileSync(new URL(name, folder));
}
