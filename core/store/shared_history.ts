/**
 * Which segments of a log an earlier copy of it holds, for certain.
 *
 * A log and its copies may have gone different ways: somebody went back to an older copy and wrote
 * on, or wrote to a copy. Then a segment of the one can have the log id, the base offset, the salt
 * and even the length of one of the other, and hold other records: both were active, with the same
 * beginning, when the ways parted. A segment gets its random salt when it is made, and when that
 * happens the ones before it are sealed. So where both have a segment of one base offset and salt,
 * everything before it was sealed before the ways parted, and is the same in both, but for what was
 * compacted since: that has a salt of its own again.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { segmentFileName, type SegmentName } from "../format/file_names.ts";
import { type Manifest, readManifest, type SealedEntry } from "../log/manifest.ts";
import { type LogPlace, openSegmentFile, segmentPath } from "../log/segment_file.ts";

/** The sealed segments that a log and an earlier copy of it share. */
export class SharedHistory {
  /** Where the copy is. */
  readonly place: LogPlace;
  readonly #log: LogPlace;
  readonly #entries: ReadonlyMap<number, SealedEntry>;
  readonly #end: number;

  private constructor(log: LogPlace, place: LogPlace, manifest: Manifest, end: number) {
    this.#log = log;
    this.place = place;
    this.#entries = new Map(manifest.sealed.map((entry) => [entry.baseOffset, entry]));
    this.#end = end;
  }

  /** @returns `undefined` when there is no copy, or one of which nothing is certain */
  static find(
    log: { readonly place: LogPlace; readonly manifest: Manifest },
    copy: string,
  ): SharedHistory | undefined {
    const { disk, logId } = log.place;
    const manifest = manifestIn(disk, copy);
    if (manifest === undefined || manifest.logId !== logId) return undefined;
    const place = { disk, folder: copy, logId };
    const names = new Set(namesOf(manifest).map((segment) => segmentFileName(segment)));
    const last = namesOf(log.manifest).findLast((segment) => {
      if (!names.has(segmentFileName(segment))) return false;
      const salt = saltOf(log.place, segment);
      return salt !== undefined && salt === saltOf(place, segment);
    });
    if (last === undefined) return undefined;
    // A compacted one is whole itself; one that was appended to may have gone on since.
    const end = last.generation > 0 ? last.baseOffset + 1 : last.baseOffset;
    return new SharedHistory(log.place, place, manifest, end);
  }

  /** Whether the copy has this segment. */
  has(segment: SealedEntry): boolean {
    const { baseOffset, generation, nextOffset, bytes } = segment;
    const entry = this.#entries.get(baseOffset);
    const isAlike = baseOffset < this.#end && entry?.bytes === bytes &&
      entry.nextOffset === nextOffset && entry.generation === generation &&
      this.place.disk.sizeOf(segmentPath(this.place, segment)) === bytes;
    if (!isAlike || generation === 0) return isAlike;
    // Both may have compacted it since their ways parted.
    const salt = saltOf(this.#log, segment);
    return salt !== undefined && salt === saltOf(this.place, segment);
  }
}

function manifestIn(disk: Disk, folder: string): Manifest | undefined {
  try {
    return readManifest(disk, folder);
  } catch (error) {
    if (error instanceof SeglogError) return undefined;
    throw error;
  }
}

function namesOf({ sealed, activeBaseOffset: baseOffset }: Manifest): Required<SegmentName>[] {
  return [...sealed, { baseOffset, generation: 0 }];
}

function saltOf(place: LogPlace, segment: SegmentName): number | undefined {
  try {
    const { file, salt } = openSegmentFile(place, segment, "read");
    file.close();
    return salt;
  } catch (error) {
    if (error instanceof SeglogError) return undefined;
    throw error;
  }
}
