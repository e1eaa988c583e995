import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { equalBytes } from "../../core/base/bytes.ts";
import { CODECS, compress, decompress } from "../../core/format/compression.ts";

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
