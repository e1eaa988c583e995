import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { concatBytes, equalBytes } from "../../core/base/bytes.ts";
import { CODECS, compress, decompress } from "../../core/format/compression.ts";
import { COMPRESSED_BYTES_MIN } from "../../core/base/limits.ts";
import { Random } from "../support/random.ts";
import { frameLength } from "../../core/format/zstd_frame.ts";

test("the numbers of the codecs on disk are fixed", () => {
  assert.deepEqual(CODECS, ["none", "gzip", "zstd"]);
});

test("what was compressed comes back, and what would grow is not compressed", () => {
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(200)).map(([part, times]) =>
      Uint8Array.from(Array(times).fill([...part]).flat())
    ),
  );
  fc.assert(fc.property(payloads, fc.constantFrom("gzip" as const, "zstd" as const), (p, codec) => {
    const packed = compress(p, codec);
    if (packed === undefined) return;
    assert.ok(packed.length < p.length);
    assert.ok(equalBytes(decompress(packed, codec, p.length), p));
  }));
});

test("without a codec the payload is handed on as it is", () => {
  const payload = Uint8Array.of(1, 2, 3);
  assert.equal(compress(payload, "none"), undefined);
  assert.equal(decompress(payload, "none", 3), payload);
});

const SIZES = [0, 1, 100, 70_000, 400_000];

test("a zstd payload is the first frame, whatever the runtime makes of a second", () => {
  for (const size of SIZES) {
    const payload = payloadOf(size);
    const packed = zstdCompressSync(payload);
    const frame = packed.subarray(0, frameLength(packed));
    const two = concatBytes([frame, zstdCompressSync(Uint8Array.of(1))]);
    for (const bytes of [packed, frame, two, concatBytes([frame, Uint8Array.of(0)])]) {
      assert.ok(equalBytes(decompress(bytes, "zstd", size), payload), `${size} bytes`);
    }
    assert.throws(() => decompress(two, "zstd", size + 1), { code: "corrupt" });
    assert.throws(() => decompress(frame.subarray(0, -1), "zstd", size), { code: "corrupt" });
  }
});

test("one frame of zstd is written, also where the runtime writes another behind it", () => {
  for (const size of SIZES.slice(3)) {
    const packed = compress(concatBytes([payloadOf(size), payloadOf(size)]), "zstd")!;
    assert.equal(frameLength(packed), packed.length);
  }
});

test("a small payload is left as it is, and so is one of which less than an eighth would go", () => {
  for (const codec of ["gzip", "zstd"] as const) {
    assert.equal(compress(new Uint8Array(COMPRESSED_BYTES_MIN - 1), codec), undefined);
    assert.ok(compress(new Uint8Array(COMPRESSED_BYTES_MIN), codec) !== undefined);
    const random = new Random(1).bytes(8000);
    assert.equal(compress(concatBytes([random, new Uint8Array(1000)]), codec), undefined);
    assert.ok(compress(concatBytes([random, new Uint8Array(1400)]), codec) !== undefined);
  }
});

test("a gzip payload of two members is refused", () => {
  for (const size of SIZES.slice(1)) {
    const payload = payloadOf(size);
    const packed = gzipSync(payload);
    assert.ok(equalBytes(decompress(packed, "gzip", size), payload));
    const two = concatBytes([packed, gzipSync(Uint8Array.of(1, 2))]);
    assert.throws(() => decompress(two, "gzip", size + 2), { code: "corrupt" });
    assert.throws(() => decompress(two, "gzip", size), { code: "corrupt" });
  }
});

test("a frame of zstd is measured whatever its header has", () => {
  const payload = payloadOf(300_000);
  const { ZSTD_c_checksumFlag: checksum, ZSTD_c_contentSizeFlag: contentSize } = constants;
  for (const flag of [0, 1]) {
    for (const size of [0, 1]) {
      const packed = zstdCompressSync(payload, {
        params: { [checksum]: flag, [contentSize]: size },
      });
      const frame = packed.subarray(0, frameLength(packed));
      assert.ok(packed.length - frame.length < 16);
      assert.equal(frameLength(concatBytes([frame, new Uint8Array(99)])), frame.length);
      assert.equal(frameLength(frame.subarray(0, -1)), undefined);
    }
  }
  assert.equal(frameLength(new Uint8Array(0)), undefined);
  assert.equal(frameLength(gzipSync(payload)), undefined);
});

function payloadOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * i) >> (i % 9));
}
