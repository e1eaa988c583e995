/**
 * The manifest of a log: what is true of it beyond its segments' own bytes. It is replaced
 * atomically, and everything that changes which records exist goes through it.
 *
 * @module
 */
import { join } from "node:path";
import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { SeglogError } from "../base/errors.ts";
import { MANIFEST_BYTES_MAX } from "../base/limits.ts";
import type { Disk } from "../disk/disk.ts";
import { readFile, replaceFile } from "../disk/files.ts";
import { MANIFEST_FILE } from "../format/file_names.ts";
import { checkFormatVersion, FORMAT_VERSION } from "../format/segment_header.ts";
import type { Gap } from "./gaps.ts";
import type { ProducerState } from "./producers.ts";

/** A segment that is complete. */
export interface SealedEntry {
  readonly baseOffset: number;
  /** Offset after its last record. */
  readonly nextOffset: number;
  /** Bytes of the file, all of them synced. */
  readonly bytes: number;
  readonly maxTimestampMs: number;
}

/** Where the active segment ended when the log was closed in good order. */
export interface CleanEnd {
  readonly nextOffset: number;
  readonly bytes: number;
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
  /** Producers as they were when the manifest was written; later batches tell the rest. */
  readonly producers: readonly ProducerState[];
  /** Only between a clean close and the next opening for writing. */
  readonly clean: CleanEnd | null;
}

/** Replaces the manifest in `folder`; durable when it resolves. */
export async function writeManifest(disk: Disk, folder: string, manifest: Manifest): Promise<void> {
  await replaceFile(disk, join(folder, MANIFEST_FILE), encodeChecked("partition", manifest));
}

/**
 * The manifest in `folder`, or `undefined` when there is none.
 *
 * @throws {SeglogError} `corrupt` when it cannot be believed; `unsupported` for a later version
 */
export function readManifest(disk: Disk, folder: string): Manifest | undefined {
  const path = join(folder, MANIFEST_FILE);
  const bytes = readFile(disk, path, MANIFEST_BYTES_MAX);
  return bytes === undefined ? undefined : decodeChecked("partition", bytes, path) as Manifest;
}

/** Whether each segment starts where the one before it ends, but for gaps that are accounted for. */
export function isWholeChain(manifest: Manifest): boolean {
  const bases = [...manifest.sealed.map((entry) => entry.baseOffset), manifest.activeBaseOffset];
  return manifest.sealed.every((entry, i) => {
    const next = bases[i + 1]!;
    const isCovered = manifest.gaps.some((gap) => gap.start <= entry.nextOffset && gap.end >= next);
    return entry.nextOffset === next || (entry.nextOffset < next && isCovered);
  });
}

/**
 * A JSON document with a checksum over its body, so that a damaged one is not believed:
 * `{"seglog": kind, "version": 1, "crc32": "89abcdef", "body": {…}}` on one line. The checksum is
 * over the text of `body` as `JSON.stringify` writes it.
 */
export function encodeChecked(kind: string, body: unknown): Uint8Array {
  const text = JSON.stringify(body);
  const crc = checksumOf(text);
  return encodeUtf8(
    `{"seglog":"${kind}","version":${FORMAT_VERSION},"crc32":"${crc}","body":${text}}\n`,
  );
}

/** The body of a checked document. @throws {SeglogError} `corrupt` or `unsupported` */
export function decodeChecked(kind: string, bytes: Uint8Array, path: string): unknown {
  let document: { seglog?: unknown; version?: unknown; crc32?: unknown; body?: unknown };
  try {
    document = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw new SeglogError("corrupt", `Cannot open ${path}: it is not JSON`, { cause });
  }
  if (document?.seglog !== kind) {
    throw new SeglogError("corrupt", `Cannot open ${path}: it is not a seglog ${kind} file`);
  }
  if (typeof document.version === "number") checkFormatVersion(document.version, path);
  if (document.crc32 !== checksumOf(JSON.stringify(document.body))) {
    throw new SeglogError("corrupt", `Cannot open ${path}: its checksum does not match`);
  }
  return document.body;
}

function checksumOf(text: string): string {
  return crc32(encodeUtf8(text)).toString(16).padStart(8, "0");
}
