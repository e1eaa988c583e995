/**
 * A disk in memory. It knows what was synced, so a test can pull its plug.
 *
 * Each file and folder keeps, since its last sync, how to undo what was done to it. A sync forgets
 * those steps; {@linkcode MemoryDisk.crash} takes them, newest first. What was never synced is then
 * gone, as after a loss of power on a disk that had written nothing on its own.
 *
 * @module
 */
import { basename, dirname, normalize, sep } from "node:path";
import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import type { Disk, DiskEntry, DiskFile, DiskLock } from "./disk.ts";

/** A file system that lives and dies with the process. */
export class MemoryDisk implements Disk {
  readonly #folders = new Map<string, Folder>();
  /** Files that are locked, and by whom. */
  readonly #locks = new Map<FileNode, DiskLock>();

  open(path: string, mode: "read" | "write"): DiskFile {
    const node = this.#nodeAt(path);
    if (node === undefined) throw missing("open", path);
    return new MemoryFile(node, path, mode === "write");
  }

  create(path: string): DiskFile {
    const node = new FileNode();
    this.#addEntry("open", path, node);
    return new MemoryFile(node, path, true);
  }

  sizeOf(path: string): number | undefined {
    return this.#nodeAt(path)?.size;
  }

  list(path: string): DiskEntry[] | undefined {
    const folder = this.#folders.get(normalize(path));
    if (folder === undefined) return undefined;
    const entries: DiskEntry[] = [];
    for (const name of folder.entries.keys()) entries.push({ name, isFolder: false });
    for (const other of this.#folders.keys()) {
      if (dirname(other) === normalize(path) && other !== normalize(path)) {
        entries.push({ name: basename(other), isFolder: true });
      }
    }
    return entries;
  }

  makeFolder(path: string): void {
    let folder = normalize(path);
    while (!this.#folders.has(folder)) {
      this.#folders.set(folder, new Folder());
      folder = dirname(folder);
    }
  }

  rename(from: string, to: string): void {
    const node = this.#nodeAt(from);
    if (node === undefined) throw missing("rename", from);
    this.#folderOf(to).set(basename(to), node);
    this.#folderOf(from).set(basename(from), undefined);
  }

  link(existing: string, path: string): void {
    const node = this.#nodeAt(existing);
    if (node === undefined) throw missing(`link ${existing} to`, path);
    this.#addEntry(`link ${existing} to`, path, node);
  }

  /** Removes a file, which must be there. */
  removeFile(path: string): void {
    if (this.#nodeAt(path) === undefined) throw missing("remove", path);
    this.#folderOf(path).set(basename(path), undefined);
  }

  removeFolder(path: string): void {
    const top = normalize(path);
    for (const folder of this.#folders.keys()) {
      if (folder === top || folder.startsWith(top + sep)) this.#folders.delete(folder);
    }
  }

  syncFolder(path: string): Promise<void> {
    const folder = this.#folders.get(normalize(path));
    if (folder === undefined) return Promise.reject(missing("sync", path));
    folder.undo.length = 0;
    return Promise.resolve();
  }

  tryLock(path: string, note: string): DiskLock | undefined {
    const node = this.#nodeAt(path) ?? new FileNode();
    if (this.#locks.has(node)) return undefined;
    this.#folderOf(path).set(basename(path), node);
    node.truncate(0);
    node.write(encodeUtf8(note), 0);
    let isHeld = true;
    const lock: DiskLock = {
      isHeld: () => isHeld &&= this.#locks.get(node) === lock && this.#nodeAt(path) === node,
      release: () => {
        isHeld = false;
        if (this.#locks.get(node) === lock) this.#locks.delete(node);
      },
    };
    this.#locks.set(node, lock);
    return lock;
  }

  readLockNote(path: string): string {
    const node = this.#nodeAt(path);
    return node === undefined ? "" : decodeUtf8(node.bytes.subarray(0, node.size)).trim();
  }

  /** Loses everything that was not synced, and every lock: what a loss of power may do. */
  crash(): void {
    for (const folder of this.#folders.values()) {
      for (const node of folder.entries.values()) undoAll(node.undo);
      undoAll(folder.undo);
      for (const node of folder.entries.values()) undoAll(node.undo);
    }
    this.#locks.clear();
  }

  #addEntry(action: string, path: string, node: FileNode): void {
    const folder = this.#folderOf(path);
    if (folder.entries.has(basename(path))) {
      throw new SeglogError("io", `Cannot ${action} ${path}: it exists`);
    }
    folder.set(basename(path), node);
  }

  #folderOf(path: string): Folder {
    const folder = this.#folders.get(normalize(dirname(path)));
    if (folder === undefined) throw missing("open", path);
    return folder;
  }

  #nodeAt(path: string): FileNode | undefined {
    return this.#folders.get(normalize(dirname(path)))?.entries.get(basename(path));
  }
}

/** Names in one folder. */
class Folder {
  readonly entries = new Map<string, FileNode>();
  readonly undo: (() => void)[] = [];

  set(name: string, node: FileNode | undefined): void {
    const before = this.entries.get(name);
    this.undo.push(() => this.#put(name, before));
    this.#put(name, node);
  }

  #put(name: string, node: FileNode | undefined): void {
    if (node === undefined) this.entries.delete(name);
    else this.entries.set(name, node);
  }
}

/** The content that a name stands for. */
class FileNode {
  bytes = new Uint8Array(0);
  size = 0;
  readonly undo: (() => void)[] = [];
  /** Whether undoing the newest step also undoes whatever is appended after it. */
  #newestStepIsAppend = false;

  sync(): void {
    this.undo.length = 0;
    this.#newestStepIsAppend = false;
  }

  write(bytes: Uint8Array, position: number): void {
    const { size } = this;
    const isAppend = position >= size;
    if (!isAppend || !this.#newestStepIsAppend) {
      const overwritten = this.bytes.slice(position, Math.min(size, position + bytes.length));
      this.undo.push(() => {
        this.bytes.set(overwritten, position);
        this.size = size;
      });
    }
    this.#newestStepIsAppend = isAppend;
    this.#reserve(position + bytes.length);
    if (position > size) this.bytes.fill(0, size, position);
    this.bytes.set(bytes, position);
    this.size = Math.max(size, position + bytes.length);
  }

  truncate(size: number): void {
    const before = { size: this.size, cut: this.bytes.slice(size, this.size) };
    this.#newestStepIsAppend = false;
    this.undo.push(() => {
      this.bytes.set(before.cut, size);
      this.size = before.size;
    });
    this.#reserve(size);
    if (size > this.size) this.bytes.fill(0, this.size, size);
    this.size = size;
  }

  #reserve(capacity: number): void {
    if (capacity <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(capacity, this.bytes.length * 2, 4096));
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }
}

class MemoryFile implements DiskFile {
  readonly #node: FileNode;
  readonly #path: string;
  readonly #isWritable: boolean;

  constructor(node: FileNode, path: string, isWritable: boolean) {
    this.#node = node;
    this.#path = path;
    this.#isWritable = isWritable;
  }

  size(): number {
    return this.#node.size;
  }

  read(target: Uint8Array, position: number): number {
    const end = Math.min(this.#node.size, position + target.length);
    if (end <= position) return 0;
    target.set(this.#node.bytes.subarray(position, end));
    return end - position;
  }

  write(bytes: Uint8Array, position: number): void {
    this.#checkWritable();
    this.#node.write(bytes, position);
  }

  truncate(size: number): void {
    this.#checkWritable();
    this.#node.truncate(size);
  }

  sync(): Promise<void> {
    this.#node.sync();
    return Promise.resolve();
  }

  close(): void {}

  #checkWritable(): void {
    if (this.#isWritable) return;
    throw new SeglogError("io", `Cannot write ${this.#path}: it was opened for reading`);
  }
}

function undoAll(undo: (() => void)[]): void {
  while (undo.length > 0) undo.pop()!();
}

function missing(action: string, path: string): SeglogError {
  return new SeglogError("not-found", `Cannot ${action} ${path}: it does not exist`);
}
