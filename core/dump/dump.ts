/**
 * A segment as text for people, or as lines of JSON: read without lock, manifest and index, and
 * past damage as far as anything can still be found.
 *
 * @module
 */
import { decodeUtf8, isValidUtf8 } from "../base/bytes.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import type { Disk, DiskFile } from "../disk/disk.ts";
import type { BatchView } from "../format/batch.ts";
import type { LogRecord } from "../format/record.ts";
import { formatRecordShape } from "../format/write_shape.ts";
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "../format/segment_header.ts";
import { BlockReader } from "../log/block_reader.ts";
import { endOfContent } from "../log/unused_space.ts";

/** What to show. */
export interface DumpOptions {
  /** Batches only, without their records. */
  readonly headersOnly?: boolean;
  /** Records in their JSON shape, one a line, and nothing else. */
  readonly json?: boolean;
}

/** What a dump found. */
export interface DumpSummary {
  /** Batches whose header could be read. */
  readonly batches: number;
  /** Records that could be read. */
  readonly records: number;
  /** Places that could not be read. */
  readonly damaged: number;
  /** What was wrong at each of them. */
  readonly complaints: readonly string[];
}

/** Longest piece of a key or value that is shown in the text form, in characters. */
const SHOWN_CHARS_MAX = 200;

/**
 * The lines of a dump, without line ends; the summary when it is done.
 *
 * @throws {SeglogError} `not-found` when there is no file; `unsupported` for a later version
 */
export function* dumpSegment(
  disk: Disk,
  path: string,
  options: DumpOptions = {},
): Generator<string, DumpSummary, undefined> {
  const file = disk.open(path, "read");
  try {
    return yield* dumpFile(file, path, options);
  } finally {
    file.close();
  }
}

function* dumpFile(
  file: DiskFile,
  path: string,
  options: DumpOptions,
): Generator<string, DumpSummary, undefined> {
  const size = file.size();
  const start = new Uint8Array(SEGMENT_HEADER_BYTES);
  const header = decodeSegmentHeader(start.subarray(0, file.read(start, 0)));
  if (typeof header === "string") {
    const complaint = `damage: position: 0 ${header}`;
    if (!options.json) yield `segment: ${path} size: ${size}`, yield complaint;
    return { batches: 0, records: 0, damaged: 1, complaints: [complaint] };
  }
  if (!options.json) yield segmentLine(path, size, header);
  return yield* dumpBatches({ file, size, salt: header.salt }, options);
}

function* dumpBatches(
  segment: { file: DiskFile; size: number; salt: number },
  options: DumpOptions,
): Generator<string, DumpSummary, undefined> {
  const { file, size, salt } = segment;
  let reader = new BlockReader({ file, salt });
  const complaints: string[] = [];
  let batches = 0;
  let records = 0;
  let position = SEGMENT_HEADER_BYTES;
  while (position < size) {
    let batch = reader.batchAt(position, size);
    if (typeof batch === "string") { // its owner may have filled space since it was read
      reader = new BlockReader({ file, salt });
      batch = reader.batchAt(position, size);
    }
    if (typeof batch === "string") {
      if (endOfContent(file, { from: position, size }) === position) {
        if (!options.json) yield `unused: position: ${position} size: ${size - position}`;
        break;
      }
      const next = reader.seekBatch(position + 1, size)?.position ?? size;
      const complaint = `damage: position: ${position} size: ${next - position} ${batch}`;
      complaints.push(complaint);
      if (!options.json) yield complaint;
      position = next;
      continue;
    }
    batches++;
    if (!options.json) yield batchLine(batch, position);
    try {
      for (const line of recordLines(batch, options)) {
        records++;
        if (line !== undefined) yield line;
      }
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      const complaint = `damage: position: ${position} size: ${batch.bytes.length} ${
        messageOf(error)
      }`;
      complaints.push(complaint);
      if (!options.json) yield complaint;
    }
    position += batch.bytes.length;
  }
  return { batches, records, damaged: complaints.length, complaints };
}

/** A line per record; `undefined` where only its existence counts. */
function* recordLines(
  batch: BatchView,
  options: DumpOptions,
): Generator<string | undefined, void, undefined> {
  for (const record of batch.records()) {
    if (options.headersOnly) yield undefined;
    else yield options.json ? formatRecordShape(record) : recordLine(record);
  }
}

function segmentLine(path: string, size: number, header: SegmentHeader): string {
  const { baseOffset, logId, createdMs, salt } = header;
  const created = new Date(createdMs).toISOString();
  return `segment: ${path} size: ${size} baseOffset: ${baseOffset} logId: ${logId} created: ${created} salt: ${
    hex(salt)
  }`;
}

function batchLine(batch: BatchView, position: number): string {
  const { header } = batch;
  const lastOffset = header.baseOffset + header.lastOffsetDelta;
  return [
    `baseOffset: ${header.baseOffset} lastOffset: ${lastOffset} count: ${header.recordCount}`,
    `position: ${position} size: ${batch.bytes.length}`,
    `codec: ${header.codec} crc: ${batch.isIntact() ? "ok" : "BAD"}`,
    `maxTimestamp: ${new Date(header.maxTimestampMs).toISOString()}`,
    `epoch: ${header.epoch} durableUpTo: ${header.durableUpTo}`,
  ].join(" ");
}

function recordLine(record: LogRecord): string {
  const parts = [`| offset: ${record.offset}`];
  parts.push(`timestamp: ${new Date(record.timestamp).toISOString()}`);
  if (record.key !== null) parts.push(`key: ${shown(record.key)}`);
  const headers = Object.entries(record.headers);
  if (headers.length > 0) parts.push(`headers: ${JSON.stringify(record.headers)}`);
  parts.push(
    record.value === null ? "tombstone" : `type: ${record.type} value: ${shown(record.value)}`,
  );
  return parts.join(" ");
}

/** Bytes as one line of text: long ones cut, with their length; what is not text as hexadecimal. */
function shown(bytes: Uint8Array): string {
  const text = isValidUtf8(bytes)
    ? escapeControls(decodeUtf8(bytes.subarray(0, 4 * SHOWN_CHARS_MAX)))
    : `0x${Array.from(bytes.subarray(0, SHOWN_CHARS_MAX), (byte) => hexByte(byte)).join("")}`;
  const isCut = bytes.length > 4 * SHOWN_CHARS_MAX || text.length > SHOWN_CHARS_MAX;
  return isCut ? `${text.slice(0, SHOWN_CHARS_MAX)}… (${bytes.length} bytes)` : text;
}

/** Control characters and backslashes as in JSON, so that a record stays on its line. */
function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\\]/gu, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x7f
      ? JSON.stringify(char).slice(1, -1)
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
