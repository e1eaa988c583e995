import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { ChunkWriter } from "../../cli/chunk_writer.ts";

function writerTo(pieces: Buffer[]): ChunkWriter {
  return new ChunkWriter({
    write(piece) {
      pieces.push(Buffer.from(piece as Uint8Array));
      return Promise.resolve();
    },
  });
}

test("pieces of every size come out whole and in order", async () => {
  const pieces: Buffer[] = [];
  const writer = writerTo(pieces);
  const expected: Buffer[] = [];
  for (const size of [0, 1, 100, 65_535, 65_536, 300_000, 7, 262_144, 50_000, 21_846, 1]) {
    const piece = Buffer.alloc(size, size % 251);
    expected.push(
      piece,
      Buffer.from("é".repeat(size)),
      Buffer.from("ascii, then é"),
      Buffer.from([10]),
    );
    writer.bytes(piece);
    writer.text("é".repeat(size));
    writer.text("ascii, then é");
    writer.byte(10);
    if (writer.isFull) await writer.drain();
  }
  await writer.flush();
  assert.ok(Buffer.concat(expected).equals(Buffer.concat(pieces)));
});

test("small pieces become few large chunks", async () => {
  const pieces: Buffer[] = [];
  const writer = writerTo(pieces);
  for (let i = 0; i < 100_000; i++) {
    writer.text("0123456789");
    if (writer.isFull) await writer.drain();
  }
  await writer.flush();
  assert.equal(Buffer.concat(pieces).length, 1_000_000);
  assert.ok(pieces.length <= 5, `${pieces.length} chunks`);
});

test("what was flushed does not change when more is added", async () => {
  const pieces: Uint8Array[] = [];
  const writer = new ChunkWriter({
    write(piece) {
      pieces.push(piece as Uint8Array); // kept as it is, not copied
      return Promise.resolve();
    },
  });
  writer.text("first");
  await writer.flush();
  writer.text("other");
  await writer.flush();
  assert.equal(Buffer.concat(pieces).toString(), "firstother");
});

test("chunks stay in order when two callers drain at the same time", async () => {
  const pieces: string[] = [];
  const writer = new ChunkWriter({
    async write(piece) {
      await Promise.resolve();
      pieces.push(Buffer.from(piece as Uint8Array).toString());
    },
  });
  writer.text("a");
  const first = writer.flush();
  writer.text("b");
  await Promise.all([first, writer.flush()]);
  assert.deepEqual(pieces, ["a", "b"]);
});
