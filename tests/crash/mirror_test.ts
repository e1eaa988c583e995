import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchBuilder } from "../../core/format/batch_builder.ts";
import { encodeBatchHeader, WIRE_SALT } from "../../core/format/batch_header.ts";
import { recordMessages } from "../../core/format/batch_records.ts";
import { ByteWriter } from "../../core/base/bytes.ts";
import type { BatchView, Log as LogType } from "../../mod.ts";
import { Log, MemoryDisk, Store, type SyncMode, verify } from "../../mod.ts";
import { Random } from "../support/random.ts";
import { storedBatch, viewOf } from "../support/stored_batch.ts";
import { CrashModel } from "./crash_images.ts";
import { diskOf, EMPTY_IMAGE, RecordingDisk } from "./recording_disk.ts";

const FOLDER = "/log";

/** What a reader finds in a log. */
interface Content {
  readonly start: number;
  readonly end: number;
  /** Offset and text of each record. */
  readonly records: readonly string[];
  /** Ranges that are lost. */
  readonly lost: readonly string[];
}

/** One thing that was taken in, and what the log is after it. */
interface Step {
  readonly content: Content;
  /** When it was acknowledged, in operations of the disk. */
  doneAt: number;
  /** Whether it survives a loss of power then. */
  readonly isDurable: boolean;
}

const EMPTY: Content = { start: 0, end: 0, records: [], lost: [] };

test("a crash at any moment leaves a mirror with a beginning of what it took in", async (t) => {
  let images = 0;
  for (let seed = 1; seed <= 5; seed++) {
    const sync = seed % 3 === 0 ? "os" : "always";
    const lived = await live(new Random(seed), sync);
    try {
      images += await crashEverywhere(lived, new Random(seed));
    } catch (cause) {
      throw new Error(`${(cause as Error).message}; seed ${seed}`, { cause });
    }
  }
  t.diagnostic(`${images} images`);
});

/** Mirrors something that a seed makes up, and opens the log anew in between. */
async function live(random: Random, sync: SyncMode) {
  const disk = new RecordingDisk(EMPTY_IMAGE);
  const steps: Step[] = [{ content: EMPTY, doneAt: 0, isDurable: true }];
  let content = EMPTY;
  const note = (next: Content, isDurable: boolean): Step => {
    const step = { content: content = next, doneAt: Infinity, isDurable };
    steps.push(step);
    return step;
  };
  const done = (step: Step) => () => void (step.doneAt = disk.operations.length);
  const open = () => Log.open(FOLDER, { disk, segmentBytes: 4096, sync });
  let log = await open();
  for (let round = 0; round < 12; round++) {
    const mirror = log.mirror();
    const working: Promise<void>[] = [];
    for (let i = random.below(4); i >= 0; i--) {
      const { start, end, records, lost } = content;
      if (random.chance(0.3)) {
        const to = end + random.below(20);
        const isLost = random.chance(0.4);
        const begins = !isLost && start === end;
        const added = isLost && to > end ? joined(lost, end, to) : lost;
        const next = { start: begins ? to : start, end: to, records, lost: begins ? [] : added };
        const step = note(next, true);
        const skipping = mirror.skipTo(to, isLost ? "lost" : "removed");
        if (to > end) working.push(skipping.then(done(step)));
        else {
          steps.pop(); // nothing to be told from the step before
          working.push(skipping);
        }
        continue;
      }
      const batch = random.chance(0.5) ? dense(random, end) : sparse(random, end);
      const added = [...batch.records()].map(({ offset, text }) => `${offset}:${text}`);
      const step = note(
        { start, end: batch.nextOffset, records: [...records, ...added], lost },
        sync === "always",
      );
      working.push(mirror.append(batch).then(done(step)));
    }
    await Promise.all(working);
    if (random.chance(0.2)) {
      const before = content.start + random.below(content.end - content.start + 1);
      if (before > content.start) {
        await mirror.flush(); // or it would outlive what came before
        const step = note(truncated(content, before), true);
        await mirror.truncateBefore(before).then(done(step));
      }
    }
    if (random.chance(0.2)) await mirror.noteCompacted(content.end + random.below(30));
    if (random.chance(0.2)) {
      await log.close();
      log = await open();
    }
  }
  await log.close();
  return { disk, steps };
}

function joined(lost: readonly string[], start: number, end: number): string[] {
  const [from, to] = lost.at(-1)?.split("-").map(Number) ?? [];
  return to === start ? [...lost.slice(0, -1), `${from}-${end}`] : [...lost, `${start}-${end}`];
}

function truncated({ end, records, lost }: Content, before: number): Content {
  return {
    start: before,
    end,
    records: records.filter((record) => Number.parseInt(record) >= before),
    lost: lost.filter((range) => Number(range.split("-")[1]) > before),
  };
}

function dense(random: Random, baseOffset: number): BatchView {
  const count = 1 + random.below(3);
  return storedBatch(baseOffset, texts(random, count));
}

function texts(random: Random, count: number): string[] {
  return Array.from(
    { length: count },
    () => `${random.below(1e6)}${"x".repeat(random.below(700))}`,
  );
}

/** A batch as compaction makes it: with gaps between records, before and behind them. */
function sparse(random: Random, baseOffset: number): BatchView {
  const whole = storedBatch(baseOffset + random.below(3), texts(random, 6));
  const messages = recordMessages(whole.payload());
  const writer = new ByteWriter(1024);
  const builder = new BatchBuilder(writer, baseOffset);
  const kept = [...whole.records()].filter((_, i) => i === 2 || random.chance(0.5));
  for (const record of kept) builder.copy(record, messages[record.offset - whole.baseOffset]!);
  builder.extendTo(whole.nextOffset + random.below(3));
  const { header } = builder.finish("none");
  const bytes = writer.subarray(0, writer.length).slice();
  encodeBatchHeader(bytes, 0, header, WIRE_SALT);
  return viewOf(bytes);
}

async function crashEverywhere(
  { disk, steps }: { readonly disk: RecordingDisk; readonly steps: readonly Step[] },
  random: Random,
): Promise<number> {
  const model = new CrashModel(disk.start);
  let images = 0;
  for (const operation of disk.operations) {
    model.advance(operation);
    for (const image of model.images(random, 6)) {
      images++;
      const least = steps.findLastIndex(({ doneAt, isDurable }) =>
        doneAt <= model.count && (isDurable || image.isWhole)
      );
      await checkImage(diskOf(image), steps, least).catch((cause) => {
        const where = `${image.description}, operation ${model.count}, the last ${operation.kind}`;
        throw new Error(`${cause.message}: ${where}`, { cause });
      });
    }
  }
  return images;
}

async function checkImage(disk: MemoryDisk, steps: readonly Step[], least: number): Promise<void> {
  const log = await Log.open(FOLDER, { disk, segmentBytes: 4096 });
  const found = await contentOf(log);
  const expected = steps.slice(least).map(({ content }) => JSON.stringify(content));
  const shown = (text: string) => text.replaceAll(/x+/g, "…");
  assert.ok(
    expected.includes(JSON.stringify(found)),
    `it has ${shown(JSON.stringify(found))}, and not ${shown(expected[0]!)} or later`,
  );
  assert.equal(log.recordCount, found.records.length);
  assert.ok(log.compactedTo <= log.nextOffset);
  await log.mirror().append(storedBatch(found.end, ["more"])); // it goes on
  const outside = await Log.open(FOLDER, { disk, readOnly: true });
  assert.equal(outside.recordCount, found.records.length + 1);
  await outside.close();
  await log.close();
  const { ok, problems } = verify(FOLDER, { disk });
  assert.ok(ok, JSON.stringify(problems));
}

async function contentOf(log: LogType): Promise<Content> {
  const records: string[] = [];
  const lost: string[] = [];
  for (let from = log.logStartOffset; from <= log.nextOffset;) {
    try {
      for await (const { offset, text } of log.records({ from })) records.push(`${offset}:${text}`);
      break;
    } catch (error) {
      const { code, details } = error as { code: string; details: { start: number; end: number } };
      assert.equal(code, "lost", String(error));
      lost.push(`${details.start}-${details.end}`);
      from = details.end;
    }
  }
  return { start: log.logStartOffset, end: log.nextOffset, records, lost };
}

test("a crash while a topic is set aside leaves it in its place, or whole in quarantine", async () => {
  const disk = new RecordingDisk(EMPTY_IMAGE);
  const follows = { source: "a leader" };
  const info = { name: "t", id: "a".repeat(32), config: await emptyConfig() };
  const store = await Store.open("/data", { disk, follows });
  const target = store.mirrorTarget!;
  await target.adopt(info);
  await (await target.openMirror("t", 0)).append(storedBatch(0, ["a", "b"]));
  const from = disk.operations.length;
  const [kept] = await target.setAside!("t", "it is a test");
  const doneAt = disk.operations.length;
  await target.adopt({ ...info, id: "b".repeat(32) });
  await (await target.openMirror("t", 0)).append(storedBatch(0, ["c"]));
  await store.close();
  const model = new CrashModel(disk.start);
  const random = new Random(1);
  for (const operation of disk.operations) {
    model.advance(operation);
    if (model.count < from) continue;
    for (const image of model.images(random, 12)) {
      const after = diskOf(image);
      const again = await Store.open("/data", { disk: after, follows });
      const topics = await again.listTopics();
      const isThere = topics.some(({ id }) => id === info.id);
      assert.ok(!isThere || model.count < doneAt);
      if (isThere) assert.equal((await again.bounds("t")).nextOffset, 2);
      else {
        const log = await Log.open(kept!, { disk: after, readOnly: true });
        assert.deepEqual((await contentOf(log)).records, ["0:a", "1:b"], image.description);
        await log.close();
        await again.mirrorTarget!.adopt({ ...info, id: "b".repeat(32) });
      }
      await again.close();
    }
  }
});

async function emptyConfig() {
  await using store = await Store.memory();
  return (await store.ensureTopic("t")).topic.config;
}
