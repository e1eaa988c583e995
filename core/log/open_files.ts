/**
 * Sealed segments that are open for reading: a bounded number of them. One that had to give way is
 * opened again when it is read again.
 *
 * @module
 */
import { CacheEntry, ClockCache } from "../base/clock_cache.ts";
import { SeglogError } from "../base/errors.ts";
import type { DiskFile } from "../disk/disk.ts";
import type { ReadableSegmentFile } from "./segment_file.ts";

/** What a reader needs of a file. */
export type ReadableFile = Pick<DiskFile, "read" | "size" | "close">;

/** Keeps files open, as many as there is room for. */
export class OpenFiles {
  readonly #cache: ClockCache;

  constructor(filesMax: number) {
    this.#cache = new ClockCache(filesMax);
  }

  /**
   * Opens a segment, which is then open whenever it is read.
   *
   * @param open opens it and checks that it is the one; called again when it had to give way
   */
  keepSegment(open: () => ReadableSegmentFile): ReadableSegmentFile {
    const { file, salt } = open();
    const reopen = () => open().file;
    return { file: new KeptFile(this.#cache, file, reopen), salt };
  }
}

class KeptFile extends CacheEntry implements ReadableFile {
  override readonly cost = 1;
  readonly #cache: ClockCache;
  readonly #reopen: () => ReadableFile;
  #file: ReadableFile | undefined;
  #isClosed = false;

  constructor(cache: ClockCache, file: ReadableFile, reopen: () => ReadableFile) {
    super();
    this.#cache = cache;
    this.#reopen = reopen;
    this.#file = file;
    cache.add(this);
  }

  read(target: Uint8Array, position: number): number {
    return this.#opened().read(target, position);
  }

  size(): number {
    return this.#opened().size();
  }

  close(): void {
    this.#isClosed = true;
    this.#cache.drop(this);
  }

  override evict(): void {
    const file = this.#file;
    this.#file = undefined;
    file?.close();
  }

  #opened(): ReadableFile {
    this.wasUsed();
    if (this.#file !== undefined) return this.#file;
    if (this.#isClosed) throw new SeglogError("closed", "Cannot read a segment that was dropped");
    this.#file = this.#reopen();
    this.#cache.add(this);
    return this.#file;
  }
}
