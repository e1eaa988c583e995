/**
 * Names of files and folders, both ways.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { encodeUtf8 } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import { TOPIC_NAME_BYTES_MAX } from "../base/limits.ts";

/** The file that says who owns a store or a log. */
export const LOCK_FILE = "LOCK";
/** The catalogue of a store. */
export const CATALOGUE_FILE = "store.json";
/** The manifest of one log. */
export const MANIFEST_FILE = "partition.json";
/** In a folder that is being made a copy of a store, until it is one. */
export const UNFINISHED_FILE = "UNFINISHED";
/** Where recovery puts the bytes that it cuts off. */
export const QUARANTINE_FOLDER = "quarantine";

/**
 * Topics whose names begin so hold what the server itself keeps: credentials, schemas, committed
 * offsets, and all that belongs to tenants. They are not shown among the others.
 */
export const INTERNAL_PREFIX = "__seglog/";

/** Whether a topic is one of the server's own. */
export function isInternalTopic(name: string): boolean {
  return name.startsWith(INTERNAL_PREFIX);
}

/** What the names of topics begin with that tenants made: the tenant's own name follows. */
export const TENANTS_PREFIX: string = `${INTERNAL_PREFIX}tenants/`;

/** Whether a topic holds what the server keeps for itself, or for a tenant: nobody made it by name. */
export function isServerState(name: string): boolean {
  if (!name.startsWith(TENANTS_PREFIX)) return isInternalTopic(name);
  return isInternalTopic(name.slice(name.indexOf("/", TENANTS_PREFIX.length) + 1));
}

const OFFSET_DIGITS = 20;
const FOLDER_NAME_MAX = 240;
const SEGMENT_FILE = /^(\d{20})(?:\.([1-9]\d{0,9}))?\.log$/;
const INDEX_FILE = /^(\d{20})(?:\.([1-9]\d{0,9}))?\.index$/;
const FILTER_FILE = /^(\d{20})(?:\.([1-9]\d{0,9}))?\.filter$/;
const PLAIN_BYTE = /^[a-z0-9._-]$/;

/** Which segment: by its first offset, and how often compaction wrote it anew. */
export interface SegmentName {
  /** Its first offset. */
  readonly baseOffset: number;
  /** 0, or left out, for a segment as it was appended to. */
  readonly generation?: number;
}

/** `00000000000000000042.log`, and `00000000000000000042.1.log` once it was compacted. */
export function segmentFileName(segment: SegmentName): string {
  return `${stem(segment)}.log`;
}

/** `00000000000000000042.index` */
export function indexFileName(segment: SegmentName): string {
  return `${stem(segment)}.index`;
}

/** `00000000000000000042.filter` */
export function filterFileName(segment: SegmentName): string {
  return `${stem(segment)}.filter`;
}

/** The segment of a segment's file name, or `undefined` for any other file. */
export function parseSegmentFileName(name: string): Required<SegmentName> | undefined {
  return parseName(SEGMENT_FILE, name);
}

/** The segment that a file beside it belongs to, index or filter, or `undefined` for any other file. */
export function parseCompanionFileName(name: string): Required<SegmentName> | undefined {
  return parseName(INDEX_FILE, name) ?? parseName(FILTER_FILE, name);
}

/**
 * The folder of one partition: the topic's name with every byte outside `[a-z0-9._-]`
 * percent-encoded, upper case too (disks may ignore case), a dash and the partition's number.
 * File systems allow 255 bytes: a longer encoding is cut, and `~` and a hash of the name added.
 */
export function partitionFolderName(topic: string, partition: number): string {
  let folder = "";
  for (const byte of encodeUtf8(topic)) {
    const char = String.fromCharCode(byte);
    folder += PLAIN_BYTE.test(char) ? char : `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
  }
  folder = folder.replace(/^\./, "%2E");
  if (folder.length > FOLDER_NAME_MAX) {
    const hash = createHash("sha256").update(topic).digest("hex").slice(0, 32);
    folder = `${folder.slice(0, FOLDER_NAME_MAX - hash.length - 1)}~${hash}`;
  }
  return `${folder}-${partition}`;
}

/** The topic and partition of a folder; `undefined` when it is none, or its name was cut. */
export function parsePartitionFolderName(
  folder: string,
): { topic: string; partition: number } | undefined {
  const [, encoded, number] = /^(.+)-(\d+)$/.exec(folder) ?? [];
  if (encoded === undefined) return undefined;
  try {
    const topic = decodeURIComponent(encoded);
    const partition = Number(number);
    return partitionFolderName(topic, partition) === folder ? { topic, partition } : undefined;
  } catch {
    return undefined; // no percent-encoding of UTF-8
  }
}

/**
 * The topic name, when it is one: 1 to 200 bytes of UTF-8 without control characters.
 *
 * @throws {SeglogError} `invalid-argument`
 */
export function checkTopicName(topic: string): string {
  const refuse = (why: string) =>
    new SeglogError(
      "invalid-argument",
      `Cannot use ${JSON.stringify(topic.slice(0, 80))} as a topic name: ${why}`,
    );
  const complaint = complaintAboutName(topic);
  if (complaint !== undefined) throw refuse(complaint);
  if (topic.startsWith("__") && !isInternalTopic(topic)) {
    throw refuse('names that start with "__" are kept for internal topics');
  }
  return topic;
}

/** In words, why no topic can have this name, internal ones included; `undefined` when one can. */
export function complaintAboutName(topic: string): string | undefined {
  const length = encodeUtf8(topic).length;
  if (length < 1 || length > TOPIC_NAME_BYTES_MAX) {
    return `it has ${length} bytes, and 1 to ${TOPIC_NAME_BYTES_MAX} are allowed`;
  }
  if (!topic.isWellFormed()) return "it is not valid Unicode";
  return /\p{Cc}/u.test(topic) ? "it has a control character" : undefined;
}

function stem({ baseOffset, generation = 0 }: SegmentName): string {
  const digits = String(baseOffset).padStart(OFFSET_DIGITS, "0");
  return generation === 0 ? digits : `${digits}.${generation}`;
}

function parseName(pattern: RegExp, name: string): Required<SegmentName> | undefined {
  const [, digits, generation = "0"] = pattern.exec(name) ?? [];
  const baseOffset = Number(digits);
  return Number.isSafeInteger(baseOffset)
    ? { baseOffset, generation: Number(generation) }
    : undefined;
}
