/**
 * `dump`: segment files as text, without a lock.
 *
 * @module
 */
import { join } from "node:path";
import type { Disk } from "../../core/disk/disk.ts";
import { nodeDisk } from "../../core/disk/node_disk.ts";
import { dumpSegment } from "../../core/dump/dump.ts";
import { parseSegmentFileName, QUARANTINE_FOLDER } from "../../core/format/file_names.ts";
import { ChunkWriter } from "../chunk_writer.ts";
import { checkExists, isUrl, placeOf } from "../connect.ts";
import { EXIT_CORRUPT, EXIT_OK, UsageError } from "../exit.ts";
import type { DumpVerbOptions } from "../grammar/maintain.ts";
import type { Context } from "../grammar/verb.ts";

/** Writes every segment that the paths name, and complains on standard error about damage. */
export async function dump(context: Context, options: DumpVerbOptions): Promise<number> {
  const { output } = context;
  const { headersOnly, shaped } = options;
  if (headersOnly && shaped) throw new UsageError("give --headers-only or -J, not both");
  const writer = new ChunkWriter(output);
  let damaged = 0;
  for (const path of segmentPaths(nodeDisk, dumpRoots(context, options))) {
    const lines = dumpSegment(nodeDisk, path, { headersOnly, json: shaped });
    let line = lines.next();
    for (; !line.done; line = lines.next()) {
      writer.text(line.value);
      writer.text("\n");
      if (writer.isFull) await writer.drain();
    }
    const { damaged: places, complaints } = line.value;
    damaged += places;
    await writer.flush();
    for (const complaint of complaints) output.note(`seglog: ${path}: ${complaint}`);
  }
  return damaged === 0 ? EXIT_OK : EXIT_CORRUPT;
}

function dumpRoots({ at }: Context, { paths }: DumpVerbOptions): readonly string[] {
  if (paths.length > 0) return paths;
  if (!isUrl(at)) return [at];
  throw new UsageError(
    `dump reads files: name a segment or a folder, ${placeOf(at)} has none to show`,
  );
}

/**
 * The segments of files and folders, in the order of their base offsets, folder by folder.
 *
 * @throws {SeglogError} `not-found` for a path that is not there
 */
export function segmentPaths(disk: Disk, roots: readonly string[]): string[] {
  return roots.flatMap((root) => {
    if (disk.list(root) !== undefined) return segmentsBelow(disk, root);
    checkExists(root);
    return [root];
  });
}

function segmentsBelow(disk: Disk, folder: string): string[] {
  const entries = disk.list(folder) ?? [];
  const segments = entries
    .flatMap(({ name }) => {
      const segment = parseSegmentFileName(name);
      return segment === undefined ? [] : [{ name, ...segment }];
    })
    .sort((a, b) => a.baseOffset - b.baseOffset || a.generation - b.generation)
    .map(({ name }) => join(folder, name));
  const folders = entries
    .filter(({ name, isFolder }) => isFolder && name !== QUARANTINE_FOLDER)
    .map(({ name }) => name)
    .sort(new Intl.Collator("en", { numeric: true }).compare);
  return [...segments, ...folders.flatMap((name) => segmentsBelow(disk, join(folder, name)))];
}
