import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { basename, join, normalize } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { GENERATION_MAX } from "../../core/base/limits.ts";
import {
  checkTopicName,
  filterFileName,
  indexFileName,
  parseCompanionFileName,
  parsePartitionFolderName,
  parseSegmentFileName,
  partitionFolderName,
  segmentFileName,
} from "../../core/format/file_names.ts";

const FOLDER = /^[a-z0-9_%~-][a-zA-F0-9._%~-]*-\d+$/;
const topicNames = fc.string({ unit: "binary", minLength: 1 }).filter(isTopicName);
const longNames = fc.constantFrom(
  "é".repeat(100),
  "é".repeat(99) + "è",
  "Z".repeat(200),
  "Z".repeat(199) + "Y",
  "a".repeat(200),
  "😀".repeat(50),
);
/** Names that a folder name must not confuse. */
const trickyNames = fc.constantFrom(
  ...["orders", "Orders", "ORDERS", "orders-0", "orders-0-0", "a%2Fb", "a/b", "a\\b", ".", ".."],
  ...[
    "../../etc/passwd",
    "..-0",
    "%2E",
    "~",
    "a~b",
    " ",
    "con",
    "LOCK",
    "store.json",
    "ı",
    "İ",
    "é",
  ],
  ...["e\u0301", "%", "%%", "-", "--", "0", "quarantine"],
);
const anyTopic = fc.oneof(topicNames, trickyNames, longNames);

test("a segment is named by its base offset in 20 digits", () => {
  assert.equal(segmentFileName({ baseOffset: 42 }), "00000000000000000042.log");
  assert.equal(indexFileName({ baseOffset: 42 }), "00000000000000000042.index");
  assert.equal(filterFileName({ baseOffset: 42 }), "00000000000000000042.filter");
});

test("a segment that was compacted has its generation in its name", () => {
  const segment = { baseOffset: 42, generation: 3 };
  assert.equal(segmentFileName(segment), "00000000000000000042.3.log");
  assert.equal(indexFileName(segment), "00000000000000000042.3.index");
  assert.equal(segmentFileName({ baseOffset: 42, generation: 0 }), "00000000000000000042.log");
});

test("the names of a segment and of the files beside it give the segment back, and sort by it", () => {
  const generations = fc.integer({ min: 0, max: GENERATION_MAX });
  fc.assert(fc.property(fc.maxSafeNat(), fc.maxSafeNat(), generations, (a, b, generation) => {
    const segment = { baseOffset: a, generation };
    assert.deepEqual(parseSegmentFileName(segmentFileName(segment)), segment);
    assert.deepEqual(parseCompanionFileName(indexFileName(segment)), segment);
    assert.deepEqual(parseCompanionFileName(filterFileName(segment)), segment);
    assert.equal(parseSegmentFileName(indexFileName(segment)), undefined);
    assert.equal(parseCompanionFileName(segmentFileName(segment)), undefined);
    assert.equal(segmentFileName({ baseOffset: a }) < segmentFileName({ baseOffset: b }), a < b);
  }));
});

test("other files are not taken for segments", () => {
  const others = [
    ...["0.log", "42.log", "0000000000000000004x.log", "-0000000000000000042.log", "notes.log"],
    ...["00000000000000000042.log.tmp", "00000000000000000042.log~", "000000000000000000042.log"],
    ...["00000000000000000042", "00000000000000000042.LOG", ".log", "", "LOCK", "1e19.log"],
    ...["00000000000000000042.0.log", "00000000000000000042.01.log", "00000000000000000042..log"],
    ...["99999999999999999999.log", "00009007199254740992.log", "00000000000000000042.log\n"],
  ];
  for (const name of others) assert.equal(parseSegmentFileName(name), undefined, name);
});

test("a partition's folder is readable where the name is plain", () => {
  assert.equal(partitionFolderName("orders", 0), "orders-0");
  assert.equal(partitionFolderName("Orders", 0), "%4Frders-0");
  assert.equal(partitionFolderName("a/b", 3), "a%2Fb-3");
  assert.equal(partitionFolderName("..", 1), "%2E.-1");
});

test("a partition's folder is one folder, of at most 255 bytes, never above or hidden", () => {
  fc.assert(fc.property(anyTopic, fc.nat(1023), (topic, partition) => {
    const folder = partitionFolderName(topic, partition);
    assert.match(folder, FOLDER);
    assert.ok(Buffer.byteLength(folder) <= 255);
    assert.equal(basename(folder), folder);
    assert.equal(normalize(join("data", folder)), join("data", folder));
  }));
});

test("two partitions never share a folder, upper and lower case alike", () => {
  const place = fc.tuple(anyTopic, fc.nat(12));
  fc.assert(
    fc.property(place, place, ([topicA, partitionA], [topicB, partitionB]) => {
      const isSame = topicA === topicB && partitionA === partitionB;
      const [a, b] = [
        partitionFolderName(topicA, partitionA),
        partitionFolderName(topicB, partitionB),
      ];
      assert.equal(a.toLowerCase() === b.toLowerCase(), isSame);
    }),
    { numRuns: 2000 },
  );
});

test("the folder of a short name gives the name back", () => {
  fc.assert(fc.property(anyTopic, (topic) => {
    const folder = partitionFolderName(topic, 7);
    if (folder.includes("~")) return;
    assert.equal(decodeURIComponent(folder.slice(0, folder.lastIndexOf("-"))), topic);
    assert.deepEqual(parsePartitionFolderName(folder), { topic, partition: 7 });
  }));
});

test("no other folder is taken for a partition's", () => {
  const long = partitionFolderName("Ä".repeat(100), 0);
  for (const name of [long, "quarantine", "orders", "-0", "Orders-0", "a%2fb-0", "a-00", "%FF-0"]) {
    assert.equal(parsePartitionFolderName(name), undefined, name);
  }
});

test("a topic name is 1 to 200 bytes of Unicode without control characters", () => {
  for (const topic of ["a", "é".repeat(100), "../x", "a b", "😀", "-"]) {
    assert.equal(checkTopicName(topic), topic);
  }
  const refused: [string, RegExp][] = [
    ["", /it has 0 bytes/],
    ["é".repeat(101), /it has 202 bytes/],
    ["a\nb", /control character/],
    ["a\u0000", /control character/],
    ["\u0085", /control character/],
    ["\ud800", /not valid Unicode/],
  ];
  for (const [topic, message] of refused) {
    assert.throws(() => checkTopicName(topic), { code: "invalid-argument", message });
  }
});

function isTopicName(topic: string): boolean {
  try {
    checkTopicName(topic);
    return true;
  } catch {
    return false;
  }
}
