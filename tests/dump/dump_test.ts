import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Disk, type DumpOptions, dumpSegment, json, Log, MemoryDisk } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";

const PATH = "/log/00000000000000000000.log";

async function filled(): Promise<Disk> {
  const disk = new MemoryDisk();
  const log = await Log.open("/log", { disk, clock: new FakeClock(Date.UTC(2026, 10, 20)) });
  await log.appendAll([
    { key: "u1", value: "hello", headers: { trace: "a1" } },
    { key: "u1", ...json({ qty: 2 }) },
    { key: Uint8Array.of(0, 255), value: Uint8Array.of(1, 2, 254) },
  ]);
  await log.append({ key: "gone", value: null });
  await log.append({ value: "line\nbreak \u0000 and \\ 😀" });
  await log.close();
  return disk;
}

function dump(disk: Disk, options: DumpOptions = {}) {
  const lines: string[] = [];
  const dumping = dumpSegment(disk, PATH, options);
  for (;;) {
    const step = dumping.next();
    if (step.done) return { lines, summary: step.value };
    lines.push(step.value);
  }
}

/** Changes one byte of the segment. */
function damage(disk: Disk, position: number): void {
  const file = disk.open(PATH, "write");
  const byte = new Uint8Array(1);
  file.read(byte, position);
  byte[0]! ^= 0xff;
  file.write(byte, position);
}

describe("dumpSegment()", () => {
  test("shows the segment, its batches and their records, one a line", async () => {
    const { lines, summary } = dump(await filled());
    assert.match(
      lines[0]!,
      /^segment: \S+ size: \d+ baseOffset: 0 logId: [0-9a-f]{32} created: 2026-11-20T00:00:00.000Z salt: [0-9a-f]{8}$/,
    );
    assert.match(
      lines[1]!,
      /^baseOffset: 0 lastOffset: 2 count: 3 position: 64 size: \d+ codec: none crc: ok /,
    );
    const at = "timestamp: 2026-11-20T00:00:00.000Z";
    assert.deepEqual(lines.filter((line) => line.startsWith("|")), [
      `| offset: 0 ${at} key: u1 headers: {"trace":"a1"} type: text value: hello`,
      `| offset: 1 ${at} key: u1 type: json value: {"qty":2}`,
      `| offset: 2 ${at} key: 0x00ff type: bytes value: 0x0102fe`,
      `| offset: 3 ${at} key: gone tombstone`,
      `| offset: 4 ${at} type: text value: line\\nbreak \\u0000 and \\\\ 😀`,
    ]);
    assert.deepEqual(summary, { batches: 3, records: 5, damaged: 0, complaints: [] });
  });

  test("headersOnly shows batches without their records, and still checks these", async () => {
    const { lines, summary } = dump(await filled(), { headersOnly: true });
    assert.equal(lines.length, 4);
    assert.equal(summary.records, 5);
  });

  test("json gives records in their shape and nothing else", async () => {
    const { lines } = dump(await filled(), { json: true });
    assert.equal(lines.length, 5);
    assert.deepEqual(JSON.parse(lines[1]!), {
      offset: 1,
      timestamp: "2026-11-20T00:00:00.000Z",
      key: "u1",
      type: "json",
      value: { qty: 2 },
    });
  });

  test("at a damaged payload it says what and where, and goes on", async () => {
    const disk = await filled();
    damage(disk, 64 + 64 + 3);
    const { lines, summary } = dump(disk);
    assert.match(lines[1]!, /crc: BAD/);
    assert.match(
      lines[2]!,
      /^damage: position: 64 size: \d+ Cannot read offsets 0 to 2: its checksum does not match$/,
    );
    assert.deepEqual([summary.batches, summary.records, summary.damaged], [3, 2, 1]);
  });

  test("at a damaged header it finds the next batch", async () => {
    const disk = await filled();
    damage(disk, 64 + 20);
    const { lines, summary } = dump(disk);
    assert.match(lines[1]!, /^damage: position: 64 size: \d+ header checksum does not match$/);
    assert.match(lines[2]!, /^baseOffset: 3 /);
    assert.deepEqual([summary.batches, summary.damaged], [2, 1]);
  });

  test("a file that is no segment is damage from its start", async () => {
    const disk = await filled();
    damage(disk, 3);
    const { lines, summary } = dump(disk);
    assert.match(lines[1]!, /^damage: position: 0 segment magic is missing$/);
    assert.equal(summary.damaged, 1);
  });

  test("a file that is not there is not found", async () => {
    const missing = async () => await dumpSegment(new MemoryDisk(), "/no.log").next();
    await rejectsWith("not-found", missing);
  });
});
