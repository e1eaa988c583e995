/**
 * The catalogue of a store: which topics there are. Replaced atomically.
 *
 * @module
 */
import { join } from "node:path";
import { decodeChecked, encodeChecked } from "../base/checked_document.ts";
import { SeglogError } from "../base/errors.ts";
import { MANIFEST_BYTES_MAX } from "../base/limits.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { readFile, replaceFile } from "../disk/files.ts";
import { CATALOGUE_FILE, MANIFEST_FILE, UNFINISHED_FILE } from "../format/file_names.ts";
import { holdsLog } from "../log/no_log.ts";
import { repairCommand } from "../log/repair_words.ts";
import type { TopicInfo } from "../backend.ts";
import { DEFAULT_TOPIC_CONFIG, type TopicConfig } from "../topic_config.ts";
import { complaintAboutCatalogue } from "./check_catalogue.ts";

/** Whom a store follows, that takes in what another one has. */
export interface Followed {
  /** Names it, for people. */
  readonly source: string;
  /** The leadership whose records it takes in; never an earlier one again. */
  readonly epoch: number;
  /** Whether it has had everything that the source had, once; absent is not. */
  readonly wasWhole?: boolean | undefined;
}

/** What a store says of itself. */
export interface Catalogue {
  readonly topics: readonly TopicInfo[];
  /** Folders of deleted topics that may still be there; they are removed at the next opening. */
  readonly dropping: readonly string[];
  /** Counts leaderships: 1 at first, and higher in a replica that was made writable. Absent is 1. */
  readonly epoch?: number | undefined;
  /** What makes it a replica; absent in one that is written to by itself. */
  readonly follows?: Followed | undefined;
}

/** The leadership whose records a store has. */
export function epochOf({ epoch = 1, follows }: Catalogue): number {
  return Math.max(epoch, follows?.epoch ?? 1);
}

/** Replaces the catalogue in `folder`; durable when it resolves. Throws as {@linkcode replaceFile}. */
export async function writeCatalogue(
  disk: Disk,
  folder: string,
  catalogue: Catalogue,
  options: { readonly lock?: DiskLock } = {},
): Promise<void> {
  const bytes = encodeChecked("store", catalogue);
  await replaceFile(disk, join(folder, CATALOGUE_FILE), bytes, options);
}

/**
 * The catalogue in `folder`, or `undefined` for a folder that holds no store yet.
 *
 * @throws {SeglogError} `corrupt` when it cannot be believed, or is missing beside data
 */
export function readCatalogue(disk: Disk, folder: string): Catalogue | undefined {
  const path = join(folder, CATALOGUE_FILE);
  const bytes = readFile(disk, path, MANIFEST_BYTES_MAX);
  if (bytes !== undefined) return decodeCatalogue(bytes, folder);
  if (isMarked(disk, folder)) {
    throw new SeglogError(
      "corrupt",
      `Cannot open ${folder}: a backup or a restore was cut short there, and it is not whole. ` +
        "Remove the folder, and make the copy again",
    );
  }
  for (const { name, isFolder } of disk.list(folder) ?? []) {
    if (isFolder && holdsLog(disk, join(folder, name))) {
      throw new SeglogError(
        "corrupt",
        `Cannot open ${folder}: it holds the log ${name} and no ${CATALOGUE_FILE}. ` +
          `Nothing was changed; restore the file, or make it anew with \`${
            repairCommand(folder, [])
          }\``,
      );
    }
  }
  if (disk.sizeOf(join(folder, MANIFEST_FILE)) !== undefined) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot open ${folder} as a store: it is the folder of one log; name the folder above it`,
    );
  }
  return undefined;
}

/** Whether a folder was being made a copy of a store; beside a catalogue, that is over. */
export function isMarked(disk: Disk, folder: string): boolean {
  return disk.sizeOf(join(folder, UNFINISHED_FILE)) !== undefined;
}

/** Gives topics of before compaction the settings that they do not have. */
function withDefaults(body: unknown): unknown {
  const { topics } = (body ?? {}) as Partial<Catalogue>;
  if (!Array.isArray(topics)) return body;
  const { compaction, garbageRatio, tombstoneMs } = DEFAULT_TOPIC_CONFIG;
  return {
    ...body as Catalogue,
    topics: topics.map((topic: Partial<TopicInfo> | null) => {
      const config = topic?.config;
      if (typeof config !== "object" || config === null) return topic;
      return {
        ...topic,
        config: { ...config, ...missing(config, { compaction, garbageRatio, tombstoneMs }) },
      };
    }),
  };
}

function missing(config: object, defaults: Partial<TopicConfig>): Partial<TopicConfig> {
  return Object.fromEntries(
    Object.entries(defaults).filter(([setting]) => !Object.hasOwn(config, setting)),
  );
}

/** @throws {SeglogError} `corrupt`, also when something in it cannot be, whatever its checksum */
function decodeCatalogue(bytes: Uint8Array, folder: string): Catalogue {
  const path = join(folder, CATALOGUE_FILE);
  try {
    const body = withDefaults(decodeChecked("store", bytes, path));
    const complaint = complaintAboutCatalogue(body);
    if (complaint === undefined) return body as Catalogue;
    throw new SeglogError(
      "corrupt",
      `Cannot open ${path}: its checksum is right, and ${complaint}`,
    );
  } catch (cause) {
    if (!(cause instanceof SeglogError) || cause.code !== "corrupt") throw cause;
    throw new SeglogError(
      "corrupt",
      `${cause.message}. Restore the file, or make it anew from the folders with ` +
        `\`${repairCommand(folder, [])}\``,
      { cause },
    );
  }
}
