import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { ChunkWriter } from "../../cli/chunk_writer.ts";
import { UsageError } from "../../cli/exit.ts";
import { parseRecordFormat, type RecordPrinter, recordPrinter } from "../../cli/record_format.ts";
import type { LogRecord } from "../../core/format/record.ts";
import { logRecord } from "../support/log_record.ts";

const full = logRecord({
  offset: 41,
  timestamp: 1_700_000_000_000,
  type: "text",
  key: Buffer.from("u1"),
  value: Buffer.from("höllo"),
  headers: { trace: "a1", empty: "" },
});
const tombstone = logRecord({
  offset: 42,
  timestamp: 0,
  type: "bytes",
  key: null,
  value: null,
  headers: {},
});

async function written(print: RecordPrinter, record: LogRecord): Promise<string> {
  const pieces: Uint8Array[] = [];
  const writer = new ChunkWriter({
    write(piece) {
      pieces.push(Buffer.from(piece as Uint8Array));
      return Promise.resolve();
    },
  });
  print({ topic: "orders", partition: 3, record }, writer);
  await writer.flush();
  return Buffer.concat(pieces).toString();
}

test("every directive of a format shows its part of the record", async () => {
  const print = parseRecordFormat("%o %T %t %p %k %v %h %s %%\\n");
  assert.equal(
    await written(print, full),
    "41 1700000000000 orders 3 u1 höllo trace=a1,empty= 6 %\n",
  );
  assert.equal(await written(print, tombstone), "42 0 orders 3    0 %\n");
});

test("escapes are those of C, and nothing is added", async () => {
  assert.equal(await written(parseRecordFormat("\\t\\\\\\r\\n\\0\\x"), full), "\t\\\r\n\0\\x");
  assert.equal(await written(parseRecordFormat("%v"), full), "höllo");
  assert.equal(await written(parseRecordFormat(""), full), "");
  assert.equal(await written(parseRecordFormat("100%%%o"), full), "100%41");
});

test("a directive that is not known is refused, and the message lists those that are", () => {
  for (const format of ["%q", "%", "abc%", "%o %\n"]) {
    assert.throws(() => parseRecordFormat(format), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /there are %o %T %t %p %k %v %s %h %%/);
      return true;
    });
  }
});

test("a value is written with a line break, and a tombstone is an empty line", async () => {
  const print = recordPrinter({ format: undefined, shaped: false });
  assert.equal(await written(print, full), "höllo\n");
  assert.equal(await written(print, tombstone), "\n");
});

test("-J writes the record shape with its place", async () => {
  const print = recordPrinter({ format: undefined, shaped: true });
  assert.equal(
    await written(print, full),
    '{"topic":"orders","partition":3,"offset":41,"timestamp":"2023-11-14T22:13:20.000Z",' +
      '"key":"u1","type":"text","value":"höllo","headers":{"trace":"a1","empty":""}}\n',
  );
  assert.throws(() => recordPrinter({ format: "%v", shaped: true }), UsageError);
});
