import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { LineSplitter } from "../../cli/append/line_splitter.ts";
import { SeglogError } from "../../core/base/errors.ts";

function split(chunks: readonly string[], lineBytesMax = 1000): string[] {
  const splitter = new LineSplitter(lineBytesMax);
  const lines: string[] = [];
  const text = (line: Uint8Array) => Buffer.from(line).toString("latin1");
  for (const chunk of chunks) {
    for (const line of splitter.push(Buffer.from(chunk, "latin1"))) lines.push(text(line));
  }
  const last = splitter.finish();
  if (last !== undefined) lines.push(text(last));
  assert.equal(splitter.count, lines.length);
  return lines;
}

test("lines are the same wherever the chunks are cut", () => {
  const input = "a\n\nbc\r\n\xff\x00d\n\n\nlast";
  const lines = ["a", "", "bc\r", "\xff\x00d", "", "", "last"];
  assert.deepEqual(split([input]), lines);
  assert.deepEqual(split([...input]), lines);
  for (let cut = 0; cut <= input.length; cut++) {
    assert.deepEqual(split([input.slice(0, cut), input.slice(cut)]), lines, `cut at ${cut}`);
  }
});

test("an input that ends in a line break has no line behind it", () => {
  assert.deepEqual(split(["a\n"]), ["a"]);
  assert.deepEqual(split(["\n"]), [""]);
  assert.deepEqual(split([]), []);
  assert.deepEqual(split([""]), []);
});

test("a line above the limit is refused by its number before it is held in memory", () => {
  assert.deepEqual(split(["12345\n12345"], 5), ["12345", "12345"]);
  for (const chunks of [["1\n123456\n"], ["1\n", "123", "456"], ["1\n123456"]]) {
    assert.throws(() => split(chunks, 5), (error) => {
      assert.ok(error instanceof SeglogError);
      assert.equal(error.code, "too-large");
      assert.match(error.message, /Cannot append line 2: it is longer than 5 bytes/);
      return true;
    });
  }
});
