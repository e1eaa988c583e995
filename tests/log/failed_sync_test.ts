/**
 * What a sync that failed leaves: the kernel may take the pages for written although they are not,
 * so that the next sync of the file, by anyone, returns well and covers nothing. See "PostgreSQL's
 * fsync() surprise" (2018).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiskFile, Log, SeglogError } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";

interface Range {
  readonly start: number;
  readonly end: number;
}

/** A disk that forgets, at a loss of power, what was written before a sync that failed. */
class ForgetfulDisk extends TrickDisk {
  failSync: (path: string) => boolean = () => false;
  readonly #dirty = new Map<string, Range[]>();
  readonly #forgotten = new Map<string, Range[]>();

  override open(path: string, mode: "read" | "write"): DiskFile {
    return this.#watched(path, super.open(path, mode));
  }

  override create(path: string): DiskFile {
    this.#dirty.delete(path);
    this.#forgotten.delete(path);
    return this.#watched(path, super.create(path));
  }

  override crash(): void {
    super.crash();
    for (const [path, ranges] of this.#forgotten) {
      if (ranges.length === 0) continue;
      const file = super.open(path, "write");
      for (const { start, end } of ranges) file.write(new Uint8Array(end - start), start);
    }
  }

  #watched(path: string, file: DiskFile): DiskFile {
    const noted = (ranges: Map<string, Range[]>) => ranges.get(path) ?? [];
    return {
      ...file,
      write: (bytes, position) => {
        file.write(bytes, position);
        const written = { start: position, end: position + bytes.length };
        this.#dirty.set(path, [...noted(this.#dirty), written]);
        this.#forgotten.set(path, noted(this.#forgotten).flatMap((range) => less(range, written)));
      },
      sync: async () => {
        const dirty = noted(this.#dirty);
        this.#dirty.delete(path);
        if (!this.failSync(path)) return await file.sync();
        this.#forgotten.set(path, [...noted(this.#forgotten), ...dirty]);
        throw new SeglogError("io", "EIO");
      },
    };
  }
}

/** What is left of a range without another. */
function less({ start, end }: Range, taken: Range): Range[] {
  const before = { start, end: Math.min(end, taken.start) };
  const after = { start: Math.max(start, taken.end), end };
  return [before, after].filter((range) => range.start < range.end);
}

const isSegment = (path: string) => path.endsWith(".log");

test("what is found after a failed sync is written again before it counts as durable", async () => {
  const disk = new ForgetfulDisk();
  const log = await Log.open("/log", { disk });
  await log.append({ value: "a" });
  disk.failSync = isSegment;
  await rejectsWith("outcome-unknown", () => log.append({ value: "b" }));
  await log.close();
  disk.failSync = () => false;
  const again = await Log.open("/log", { disk });
  assert.deepEqual(await shown(again.records()), ["0:a", "1:b"]);
  assert.equal(again.durableOffset, 2);
  assert.equal(await again.append({ value: "c" }), 2);
  disk.crash();
  const after = await Log.open("/log", { disk });
  assert.deepEqual(await shown(after.records()), ["0:a", "1:b", "2:c"]);
  await after.close();
});

test("a log whose recovery could not sync is recovered again from the start", async () => {
  const disk = new ForgetfulDisk();
  const log = await Log.open("/log", { disk, sync: "os" });
  for (let i = 0; i < 200; i++) await log.append({ value: `${i} ${"x".repeat(3000)}` });
  disk.failSync = isSegment;
  await rejectsWith("poisoned", () => log.close());
  for (let tries = 0; tries < 2; tries++) await rejectsWith("io", () => Log.open("/log", { disk }));
  disk.failSync = () => false;
  const again = await Log.open("/log", { disk });
  assert.equal(again.durableOffset, 200);
  disk.crash();
  const after = await Log.open("/log", { disk });
  assert.equal((await shown(after.records())).length, 200);
  await after.close();
});
