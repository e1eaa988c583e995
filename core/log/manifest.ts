/**
 * The manifest of a log: what is true of it beyond its segments' own bytes. It is replaced
 * atomically, and everything that changes which records exist goes through it.
 *
 * @module
 */
import { join } from "node:path";
import { decodeChecked, encodeChecked } from "../base/checked_document.ts";
import { SeglogError } from "../base/errors.ts";
import { MANIFEST_BYTES_MAX } from "../base/limits.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { readFile, replaceFile } from "../disk/files.ts";
import { MANIFEST_FILE } from "../format/file_names.ts";
import { complaintAboutManifest } from "./check_manifest.ts";
import { type Gap, joinGaps } from "./gaps.ts";
import type { ProducerState } from "../format/producer_state.ts";
import { repairCommand } from "./repair_words.ts";

/** A segment that is complete. */
export interface SealedEntry {
  readonly baseOffset: number;
  /** How often compaction wrote it anew; with the base offset it names the file. */
  readonly generation: number;
  /** Offset after its last record. */
  readonly nextOffset: number;
  /** Records in it: fewer than there are offsets once it was compacted. */
  readonly records: number;
  /** Bytes of the file, all of them synced. */
  readonly bytes: number;
  readonly maxTimestampMs: number;
}

/** Where the active segment ended when the log was closed in good order. */
export interface CleanEnd {
  readonly nextOffset: number;
  readonly bytes: number;
  /** Records in it, where those are fewer than there are offsets. */
  readonly records?: number;
}

/** The end of an active segment, for the manifest. */
export function cleanEnd(
  baseOffset: number,
  { nextOffset, bytes, records }: Required<CleanEnd>,
): CleanEnd {
  return records === nextOffset - baseOffset
    ? { nextOffset, bytes }
    : { nextOffset, bytes, records };
}

/** What a log says of itself. */
export interface Manifest {
  /** 32 hexadecimal digits, also in every segment header. */
  readonly logId: string;
  /** Openings for writing so far. */
  readonly epoch: number;
  /** First readable offset. */
  readonly logStartOffset: number;
  /** Sealed segments in rising order; none is wholly below `logStartOffset`. */
  readonly sealed: readonly SealedEntry[];
  /** Base offset of the active segment. */
  readonly activeBaseOffset: number;
  /** Offsets whose records were removed by `truncate({ after })`. */
  readonly gaps: readonly Gap[];
  /** Offsets whose records were damaged, and given up by a repair. */
  readonly lost: readonly Gap[];
  /**
   * Below it, records may be missing that later ones with the same key replaced: compaction has been
   * there. In a log that follows another one, it may be past the end: what is to come was compacted.
   */
  readonly compactedTo: number;
  /** Below it, no key has two records: compaction need not look for them again. */
  readonly cleanTo: number;
  /** How often `truncate({ after })` took records away: views of the log have to begin anew then. */
  readonly truncations: number;
  /** Producers as they were when the manifest was written; later batches tell the rest. */
  readonly producers: readonly ProducerState[];
  /** Only between a clean close and the next opening for writing. */
  readonly clean: CleanEnd | null;
}

/** Replaces the manifest in `folder`; durable when it resolves. Throws as {@linkcode replaceFile}. */
export async function writeManifest(
  disk: Disk,
  folder: string,
  manifest: Manifest,
  options: { readonly lock?: DiskLock } = {},
): Promise<void> {
  const bytes = encodeChecked("partition", manifest);
  await replaceFile(disk, join(folder, MANIFEST_FILE), bytes, options);
}

/**
 * The manifest in `folder`, or `undefined` when there is none.
 *
 * @throws {SeglogError} `corrupt` when it cannot be believed; `unsupported` for a later version
 */
export function readManifest(disk: Disk, folder: string): Manifest | undefined {
  const bytes = readManifestBytes(disk, folder);
  return bytes === undefined ? undefined : decodeManifest(bytes, folder);
}

/** The manifest as it lies in `folder`, or `undefined` when there is none. */
export function readManifestBytes(disk: Disk, folder: string): Uint8Array | undefined {
  return readFile(disk, join(folder, MANIFEST_FILE), MANIFEST_BYTES_MAX);
}

/** The manifest in these bytes. Throws as {@linkcode readManifest}. */
export function decodeManifest(bytes: Uint8Array, folder: string): Manifest {
  try {
    const stored = decodeChecked("partition", bytes, join(folder, MANIFEST_FILE));
    const body = withDefaults(stored as Partial<Manifest>);
    const complaint = complaintAboutManifest(body);
    if (complaint === undefined) return body as Manifest;
    throw new SeglogError(
      "corrupt",
      `Cannot open ${join(folder, MANIFEST_FILE)}: its checksum is right, and ${complaint}`,
    );
  } catch (cause) {
    if (!(cause instanceof SeglogError) || cause.code !== "corrupt") throw cause;
    throw new SeglogError(
      "corrupt",
      `${cause.message}. Restore the file, or make it anew from the segments with ` +
        `\`${repairCommand(folder, [])}\``,
      { cause },
    );
  }
}

/** What manifests of before the first compaction do not say. */
function withDefaults(stored: Partial<Manifest>): Partial<Manifest> {
  const body = { lost: [], compactedTo: 0, cleanTo: 0, truncations: 0, ...stored };
  if (!Array.isArray(body.sealed)) return body;
  const sealed = body.sealed.map((entry: Partial<SealedEntry> | null) => {
    const { baseOffset, nextOffset } = entry ?? {};
    const records = nextOffset! - baseOffset!; // whether they are numbers is checked next
    return { baseOffset, generation: 0, nextOffset, records, ...entry } as SealedEntry;
  });
  return { ...body, sealed };
}

/** Whether each segment starts where the one before it ends, but for offsets without records. */
export function isWholeChain(manifest: Manifest): boolean {
  const absent = joinGaps(manifest.gaps, manifest.lost);
  const bases = [...manifest.sealed.map((entry) => entry.baseOffset), manifest.activeBaseOffset];
  return manifest.sealed.every((entry, i) => {
    const next = bases[i + 1]!;
    const isCovered = absent.some((gap) => gap.start <= entry.nextOffset && gap.end >= next);
    return entry.nextOffset === next || (entry.nextOffset < next && isCovered);
  });
}
