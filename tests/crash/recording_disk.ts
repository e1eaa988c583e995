/**
 * A disk in memory that writes down everything that is done to it, so that a crash can be played
 * after any operation: see `crash_images.ts`.
 */
import { dirname, join, normalize } from "node:path";
import { setImmediate } from "node:timers";
import { type DiskFile, type DiskLock, MemoryDisk } from "../../mod.ts";

/** What was done to the content of a file. Files are known by number: names move. */
export type DataOperation =
  | {
    readonly kind: "write";
    readonly file: number;
    readonly position: number;
    readonly bytes: Uint8Array;
  }
  | { readonly kind: "truncate"; readonly file: number; readonly size: number };

/** What was done to the entries of folders. */
export type NameOperation =
  | { readonly kind: "create"; readonly path: string; readonly file: number }
  | {
    readonly kind: "rename";
    readonly from: string;
    readonly path: string;
    readonly file: number;
  }
  | { readonly kind: "link"; readonly path: string; readonly file: number }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "makeFolder"; readonly path: string }
  | { readonly kind: "removeFolder"; readonly path: string };

/** A sync that returned: it covers the operations below the number that it had when it was called. */
export type SyncOperation =
  | { readonly kind: "sync"; readonly file: number; readonly covers: number }
  | { readonly kind: "syncFolder"; readonly path: string; readonly covers: number };

export type Operation = DataOperation | NameOperation | SyncOperation;

/** All that a disk holds. */
export interface Image {
  readonly folders: readonly string[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export const EMPTY_IMAGE: Image = { folders: [], files: new Map() };

/** A disk with this content, all of it durable. */
export function diskOf(image: Image): MemoryDisk {
  return filled(new MemoryDisk(), image);
}

/** The disk, which was empty, with this content, all of it durable. */
export function filled<T extends MemoryDisk>(disk: T, image: Image): T {
  fill(disk, image);
  return disk;
}

/** A disk in memory with a journal of its operations. */
export class RecordingDisk extends MemoryDisk {
  /** What was done, in order. */
  readonly operations: Operation[] = [];
  /** What was there before the first operation; its files have the numbers of their order. */
  readonly start: Image;
  readonly #files = new Map<string, number>();
  readonly #locks = new Set<DiskLock>();
  #fileCount = 0;

  constructor(start: Image = EMPTY_IMAGE) {
    super();
    this.start = start;
    fill(new PlainView(this), start);
    for (const path of start.files.keys()) this.#files.set(path, this.#fileCount++);
  }

  override open(path: string, mode: "read" | "write"): DiskFile {
    const file = super.open(path, mode);
    return this.#recorded(file, this.#files.get(normalize(path))!);
  }

  override create(path: string): DiskFile {
    const created = super.create(path);
    const file = this.#fileCount++;
    this.#files.set(normalize(path), file);
    this.operations.push({ kind: "create", path: normalize(path), file });
    return this.#recorded(created, file);
  }

  override rename(from: string, to: string): void {
    super.rename(from, to);
    const file = this.#files.get(normalize(from))!;
    this.#files.delete(normalize(from));
    this.#files.set(normalize(to), file);
    this.operations.push({ kind: "rename", from: normalize(from), path: normalize(to), file });
  }

  override link(existing: string, path: string): void {
    super.link(existing, path);
    const file = this.#files.get(normalize(existing))!;
    this.#files.set(normalize(path), file);
    this.operations.push({ kind: "link", path: normalize(path), file });
  }

  override removeFile(path: string): void {
    super.removeFile(path);
    this.#files.delete(normalize(path));
    this.operations.push({ kind: "remove", path: normalize(path) });
  }

  override makeFolder(folder: string): void {
    const made: string[] = [];
    for (
      let path = normalize(folder);
      path !== dirname(path) && this.list(path) === undefined;
      path = dirname(path)
    ) made.unshift(path);
    super.makeFolder(folder);
    for (const path of made) this.operations.push({ kind: "makeFolder", path });
  }

  /** Recorded as the removal of all that is in it, piece by piece, as a file system does it. */
  override removeFolder(folder: string): void {
    const entries = this.list(folder);
    if (entries === undefined) return;
    for (const { name, isFolder } of entries) {
      if (isFolder) this.removeFolder(join(folder, name));
      else this.removeFile(join(folder, name));
    }
    super.removeFolder(folder);
    this.operations.push({ kind: "removeFolder", path: normalize(folder) });
  }

  override async syncFolder(folder: string): Promise<void> {
    const covers = this.operations.length;
    await super.syncFolder(folder);
    await turn();
    this.operations.push({ kind: "syncFolder", path: normalize(folder), covers });
  }

  override tryLock(path: string, note: string): DiskLock | undefined {
    const lock = super.tryLock(path, note);
    if (lock !== undefined) this.#locks.add(lock);
    return lock;
  }

  /** What a process has done stays when it is killed; only its locks go. */
  kill(): void {
    for (const lock of this.#locks) lock.release();
    this.#locks.clear();
  }

  #recorded(inner: DiskFile, file: number): DiskFile {
    return {
      size: () => inner.size(),
      read: (target, position) => inner.read(target, position),
      write: (bytes, position) => {
        inner.write(bytes, position);
        this.operations.push({ kind: "write", file, position, bytes: bytes.slice() });
      },
      truncate: (size) => {
        inner.truncate(size);
        this.operations.push({ kind: "truncate", file, size });
      },
      sync: async () => {
        const covers = this.operations.length;
        await inner.sync();
        await turn(); // what is done meanwhile is not covered
        this.operations.push({ kind: "sync", file, covers });
      },
      close: () => inner.close(),
    };
  }
}

/** The disk without its journal: for what is there at the start. */
class PlainView {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  makeFolder(folder: string): void {
    MemoryDisk.prototype.makeFolder.call(this.#disk, folder);
  }

  create(path: string): DiskFile {
    return MemoryDisk.prototype.create.call(this.#disk, path);
  }

  syncFolder(folder: string): Promise<void> {
    return MemoryDisk.prototype.syncFolder.call(this.#disk, folder);
  }
}

/** In memory a sync has happened when the call returns; there is nothing to wait for. */
function fill(disk: Pick<MemoryDisk, "makeFolder" | "create" | "syncFolder">, image: Image): void {
  for (const folder of image.folders) disk.makeFolder(folder);
  for (const [path, bytes] of image.files) {
    const file = disk.create(path);
    file.write(bytes, 0);
    void file.sync();
  }
  for (const folder of image.folders) void disk.syncFolder(folder);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}
