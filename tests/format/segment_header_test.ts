import assert from "node:assert/strict";
import { test } from "node:test";
import { dataViewOf } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { TIMESTAMP_MS_MAX } from "../../core/base/limits.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
} from "../../core/format/segment_header.ts";

const HEADER = {
  salt: 0xfedcba98,
  baseOffset: Number.MAX_SAFE_INTEGER,
  logId: "00ff112233445566778899aabbccddee",
  createdMs: 1_795_176_000_000,
};

test("a segment header comes back", () => {
  const bytes = encodeSegmentHeader(HEADER);
  assert.equal(bytes.length, SEGMENT_HEADER_BYTES);
  assert.deepEqual(decodeSegmentHeader(bytes), HEADER);
});

test("every flipped bit of a segment header is noticed", () => {
  const bytes = encodeSegmentHeader(HEADER);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(typeof decodeSegmentHeader(damaged), "string", `bit ${bit}`);
  }
});

test("a header that is cut off, empty or all zeros is none", () => {
  const bytes = encodeSegmentHeader(HEADER);
  for (const length of [0, 1, 63]) {
    assert.equal(decodeSegmentHeader(bytes.subarray(0, length)), "segment header is cut off");
  }
  assert.equal(decodeSegmentHeader(new Uint8Array(64)), "segment magic is missing");
});

test("an offset or a time that cannot be is refused, whatever the checksum says", () => {
  const impossible = [
    { baseOffset: 2 ** 53 },
    { createdMs: TIMESTAMP_MS_MAX + 1 },
    { createdMs: 2 ** 63 },
  ];
  for (const fields of impossible) {
    const header = decodeSegmentHeader(encodeSegmentHeader({ ...HEADER, ...fields }));
    assert.match(String(header), /too large$/);
  }
});

test("a segment of a later version is refused, not taken for damage", () => {
  const bytes = encodeSegmentHeader(HEADER);
  const view = dataViewOf(bytes);
  view.setUint32(8, 2, true);
  view.setUint32(60, crc32(bytes.subarray(0, 60)), true);
  assert.throws(() => decodeSegmentHeader(bytes), {
    code: "unsupported",
    message: /format version 2: this seglog reads version 1/,
  });
});
