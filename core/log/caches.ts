/**
 * What the logs of one store share: bounds on open files and on memory hold for all of them
 * together, so they do not grow with the number of topics; and whoever is told what one of them does
 * is told of all.
 *
 * @module
 */
import { BLOCK_CACHE_BYTES, OPEN_FILES_MAX } from "../base/limits.ts";
import { ClockCache } from "../base/clock_cache.ts";
import { Observers } from "../base/observer.ts";
import { OpenFiles } from "./open_files.ts";

/** Caches of one store, or of a log by itself. */
export class LogCaches {
  /** Sealed segments that are open. */
  readonly files: OpenFiles;
  /** What was read for single records; costs are bytes. */
  readonly blocks: ClockCache;
  /** Those who are told. */
  readonly observers: Observers = new Observers();

  /** @param bounds files that may be open, and bytes of blocks */
  constructor(bounds: { readonly files?: number; readonly blockBytes?: number } = {}) {
    this.files = new OpenFiles(bounds.files ?? OPEN_FILES_MAX);
    this.blocks = new ClockCache(bounds.blockBytes ?? BLOCK_CACHE_BYTES);
  }
}
