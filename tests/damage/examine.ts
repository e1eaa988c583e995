/** Looks at a damaged log in every way there is, and holds what it finds against what was there. */
import assert from "node:assert/strict";
import {
  dumpSegment,
  formatRecordShape,
  Log,
  SeglogError,
  verify,
  type VerifyReport,
} from "../../mod.ts";
import { MapDisk } from "./map_disk.ts";
import type { Files } from "./map_disk.ts";
import type { LogTruth } from "./small_store.ts";

/**
 * What damage came to. `refused`: it cannot even be read. `told`: reading names what is lost, and
 * gives the rest. `torn tail`: the end of a log that was not closed well is gone, with a report.
 * `rebuilt hint`: an index is not believed. `harmless`: nothing is lost, and nothing complains.
 */
export type Verdict = "refused" | "told" | "torn tail" | "rebuilt hint" | "harmless";

/** What may come of a case beyond the promise that holds always. */
export interface Allowance {
  /** The files that were changed. */
  readonly changed: readonly string[];
  /** Whether records may vanish from the end of the log: its active segment may look torn. */
  readonly mayVanish: boolean;
  /**
   * Whether they may do so without a report. A file that is cut where a batch ends is the file as it
   * was before the next append: nothing on the disk tells it from one whose last appends never came
   * there.
   */
  readonly isCut: boolean;
}

/** Reads, verifies, dumps and opens a log for writing. @throws when a promise is broken */
export async function examine(
  files: Files,
  folder: string,
  truth: LogTruth,
  allowed: Allowance,
): Promise<Verdict> {
  const disk = new MapDisk(files);
  const reading = await readAll(disk, folder, truth, allowed);
  const report = verify(folder, { disk });
  checkVerify(report, reading);
  for (const path of allowed.changed) if (path.endsWith(".log")) dumpAll(disk, path);
  assert.ok(disk.isUnchanged, "reading changes nothing");
  const isRefused = await openForWriting(files, folder, truth, allowed);

  assert.ok(!(isRefused && report.ok), "what cannot be opened for writing is damage");
  if (reading === undefined) {
    assert.ok(isRefused, "what cannot be read is not written to");
    return "refused";
  }
  if (!report.ok) assert.ok(isRefused || reading.lost.size > 0, "verify finds what readers find");
  if (reading.lost.size > 0) return "told";
  if (reading.nextOffset < truth.nextOffset) {
    const isReported = report.problems.some(({ path }) => path === truth.activePath);
    assert.ok(isReported || allowed.isCut, "a torn tail is reported");
    return "torn tail";
  }
  assert.ok(!isRefused || !report.ok);
  if (isRefused) return "told";
  return report.problems.some(({ message }) => /its index/.test(message))
    ? "rebuilt hint"
    : "harmless";
}

/** What can be read of a log, and what is explicitly lost. */
export interface Reading {
  readonly found: ReadonlyMap<number, string>;
  readonly lost: ReadonlySet<number>;
  readonly nextOffset: number;
}

async function readAll(
  disk: MapDisk,
  folder: string,
  truth: LogTruth,
  allowed: Allowance,
): Promise<Reading | undefined> {
  const log = await orRefusal(() => Log.open(folder, { disk, readOnly: true }));
  if (log === undefined) return undefined;
  const reading = await readAround(log, truth, allowed);
  await log.close();
  return reading;
}

/** Records that are read by themselves, beside those that are lost or next to one that is. */
const POINT_READS = 16;

/** Reads forwards, backwards, records by itself, and by time: all must agree. */
export async function readAround(
  log: Log,
  truth: LogTruth,
  allowed: Pick<Allowance, "mayVanish">,
): Promise<Reading> {
  const reading = await readThrough(log, truth, allowed);
  const backwards = await readBackwards(log);
  assert.equal(shown(backwards), shown(reading), "both directions agree");
  const step = Math.ceil(truth.records.size / POINT_READS);
  for (const offset of truth.records.keys()) {
    const isWanted = offset % step === 0 || [-1, 0, 1].some((by) => reading.lost.has(offset + by));
    if (isWanted && offset < reading.nextOffset) await readPoint(log, offset, reading);
  }
  checkTimes(log, truth, reading);
  return reading;
}

/** Reads forwards, going on behind damage, and misses nothing. */
async function readThrough(
  log: Log,
  truth: LogTruth,
  allowed: Pick<Allowance, "mayVanish">,
): Promise<Reading> {
  assert.equal(log.logStartOffset, truth.logStartOffset);
  const { nextOffset } = log;
  assert.ok(nextOffset <= truth.nextOffset, "no records from nowhere");
  assert.ok(nextOffset === truth.nextOffset || allowed.mayVanish, "no record vanishes");
  assert.ok(nextOffset === truth.nextOffset || nextOffset >= truth.activeBaseOffset);
  const { found, lost } = await readForwards(log);
  for (const [offset, shape] of truth.records) {
    if (offset >= nextOffset) continue;
    assert.ok(found.has(offset) !== lost.has(offset), `offset ${offset} is there or lost`);
    if (found.has(offset)) assert.equal(found.get(offset), shape, "never a wrong byte");
  }
  for (const offset of [...found.keys(), ...lost]) {
    assert.ok(truth.records.has(offset), `offset ${offset} is one that could be read`);
  }
  return { found, lost, nextOffset };
}

type Found = Pick<Reading, "found" | "lost">;

async function readForwards(log: Log): Promise<Found> {
  const found = new Map<number, string>();
  const lost = new Set<number>();
  let from = log.logStartOffset;
  for (;;) {
    try {
      for await (const record of log.records({ from })) {
        found.set(record.offset, formatRecordShape(record));
        from = record.offset + 1;
      }
      return { found: sorted(found), lost };
    } catch (error) {
      const { start, end } = rangeOf(error);
      assert.ok(from < end, `reading goes on behind ${from} at ${end}`);
      for (let offset = Math.max(from, start); offset < end; offset++) lost.add(offset);
      from = end;
    }
  }
}

async function readBackwards(log: Log): Promise<Found> {
  const found = new Map<number, string>();
  const lost: number[] = [];
  let until = log.nextOffset;
  for (;;) {
    try {
      for await (const record of log.records({ until, reverse: true })) {
        found.set(record.offset, formatRecordShape(record));
        until = record.offset;
      }
      return { found: sorted(found), lost: new Set(lost.toReversed()) };
    } catch (error) {
      const { start, end } = rangeOf(error);
      assert.ok(start < until, `reading goes on before ${until} at ${start}`);
      const first = Math.max(start, log.logStartOffset);
      for (let offset = Math.min(end, until) - 1; offset >= first; offset--) lost.push(offset);
      until = first;
    }
  }
}

async function readPoint(log: Log, offset: number, { found, lost }: Found): Promise<void> {
  try {
    assert.equal(formatRecordShape(await log.read(offset)), found.get(offset));
  } catch (error) {
    const { start, end } = rangeOf(error);
    assert.ok(start <= offset && offset < end, `${offset} is in [${start}, ${end})`);
    assert.ok(lost.has(offset), `a point read of ${offset} agrees`);
  }
}

/** Looking for a time either finds what it always found, or names records that it cannot judge. */
function checkTimes(log: Log, truth: LogTruth, { lost }: Found): void {
  for (const [time, offset] of truth.times) {
    try {
      assert.equal(log.offsetAt(time), Math.min(offset, log.nextOffset));
    } catch (error) {
      const { start, end } = rangeOf(error);
      assert.ok(start <= offset, "what lies behind the answer does not matter");
      assert.ok([...lost].some((one) => one >= start && one < end));
    }
  }
}

function checkVerify(report: VerifyReport, reading: Reading | undefined): void {
  if (reading === undefined) {
    assert.ok(!report.ok, "what cannot be read is damage");
  } else {
    const lost = new Set<number>();
    for (const { severity, start, end } of report.problems) {
      if (severity !== "damage" || start === undefined) continue;
      for (let offset = start; offset < (end ?? start); offset++) lost.add(offset);
    }
    const [named, met] = [[...lost].join(), [...reading.lost].join()];
    assert.equal(named, met, "verify and readers name the same offsets");
    const [partition] = report.partitions;
    assert.equal(partition!.nextOffset, reading.nextOffset);
  }
}

function dumpAll(disk: MapDisk, path: string): void {
  for (const options of [{}, { json: true }]) {
    for (const line of dumpSegment(disk, path, options)) assert.ok(line.length > 0);
  }
}

/** @returns whether it was refused, and then nothing was changed */
async function openForWriting(
  files: Files,
  folder: string,
  truth: LogTruth,
  allowed: Allowance,
): Promise<boolean> {
  const disk = new MapDisk(files);
  const log = await orRefusal(() => Log.open(folder, { disk, create: false }));
  if (log === undefined) {
    assert.ok(disk.isUnchanged, "a refusal changes nothing");
    return true;
  }
  const reading = await readThrough(log, truth, allowed);
  const { tornBytes, quarantinePath } = log.recovery;
  if (reading.nextOffset < truth.nextOffset) {
    assert.ok(tornBytes > 0 || allowed.isCut, "what was cut off is reported");
  }
  if (tornBytes > 0) assert.equal(disk.sizeOf(quarantinePath!), tornBytes);
  assert.equal(await log.append({ value: "next" }), reading.nextOffset);
  assert.equal((await log.read(reading.nextOffset)).text, "next");
  await log.close();
  return false;
}

/** What the call gives, or `undefined` when it refuses as it should: with a typed error. */
export async function orRefusal<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof SeglogError)) throw error;
    const isRefusal = error.code === "corrupt" || error.code === "unsupported";
    assert.ok(isRefusal, `${error.code}: ${error.message}`);
    assert.match(error.message, /^Cannot /);
    return undefined;
  }
}

/** The offsets that an error of reading names. @throws whatever is no such error */
export function rangeOf(error: unknown): { start: number; end: number } {
  if (!(error instanceof SeglogError) || error.code !== "corrupt") throw error;
  const { start, end } = error.details;
  assert.ok(Number.isSafeInteger(start) && Number.isSafeInteger(end), error.message);
  assert.ok(start! < end!, error.message);
  assert.match(error.message, new RegExp(`offsets ${start} to ${Number(end) - 1}\\b`));
  return { start: Number(start), end: Number(end) };
}

function shown({ found, lost }: Found): string {
  return JSON.stringify([[...found], [...lost]]);
}

function sorted(found: Map<number, string>): Map<number, string> {
  return new Map([...found].toSorted(([a], [b]) => a - b));
}
