import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeSegmentHeader } from "../../core/format/segment_header.ts";
import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import {
  contentFileName,
  contentOf,
  GOLDEN_STORES,
  type GoldenPartition,
} from "./golden_stores.ts";
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

for (const name of GOLDEN_STORES) {
  test(`golden store "${name}" of version 1 opens, reads as it always did, and goes on`, async () => {
    await using dir = tempDir();
    const path = join(dir.path, name);
    fs.cpSync(new URL(name, folder), path, { recursive: true });
    const content = JSON.parse(readGolden(contentFileName(name)).toString());
    const reader = await Store.open(path, { readOnly: true });
    assert.deepEqual(recordsOf(await contentOf(reader)), recordsOf(content));
    await reader.close();

    const notices: string[] = [];
    const onNotice = (notice: string) => notices.push(notice);
    await using store = await Store.open(path, { onNotice });
    assert.deepEqual(await contentOf(store), content);
    const { nextOffset } = await store.bounds("orders");
    const { start } = await store.append("orders", [{ value: "new" }]);
    assert.equal(start, nextOffset);
    const isTorn = name === "store-crashed";
    assert.equal(notices.length, isTorn ? 1 : 0, notices.join("\n"));
    const repeated = { producer: { id: "till-1", epoch: 2, sequence: 23 } };
    const { start: first } = await store.append("orders", [{ value: "again" }], repeated);
    assert.equal(first, 46, "the producer's last append is remembered");
  });
}

test("every golden file is known to this test", () => {
  const known = GOLDEN_SEGMENTS.flatMap(({ name }) => [`${name}.log`, `${name}.ndjson`]);
  known.push(...GOLDEN_STORES.flatMap((name) => [name, contentFileName(name)]));
  assert.deepEqual(fs.readdirSync(folder).toSorted(), known.toSorted());
});

function recordsOf(content: readonly GoldenPartition[]): unknown {
  return content.map(({ topic, partition, records }) => ({ topic, partition, records }));
}

function readGolden(name: string): Buffer {
  return fs.readFileSync(new URL(name, folder));
}
