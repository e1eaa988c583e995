/**
 * All that the log asks of a file system. `NodeDisk` is the real one, `MemoryDisk` the one that a
 * test can crash; nothing else in `core/` touches files.
 *
 * Reads and writes are positional and synchronous: a positional write of one batch is a copy into
 * the page cache, and handing it to a thread pool costs more than making it. Syncs wait for the
 * device, so they are asynchronous.
 *
 * @module
 */

/** What an entry of a folder is. */
export interface DiskEntry {
  /** Name within its folder. */
  readonly name: string;
  /** Whether it is a folder, not a file. */
  readonly isFolder: boolean;
}

/** One open file. */
export interface DiskFile {
  /** Bytes in the file now. */
  size(): number;
  /**
   * Fills `target` from `position` on.
   *
   * @returns bytes read: fewer than `target.length` only at the end of the file
   */
  read(target: Uint8Array, position: number): number;
  /** Writes all of `bytes` at `position`, or throws; then part of them may be there. */
  write(bytes: Uint8Array, position: number): void;
  /** Cuts the file, or fills it up with zeros. */
  truncate(size: number): void;
  /** Resolves when what was written before the call survives a loss of power (`fdatasync`). */
  sync(): Promise<void>;
  /** Gives the file back to the operating system. */
  close(): void;
}

/** A held lock; a process that dies gives it up at once. */
export interface DiskLock {
  /**
   * Whether the file at its path is still the one that was locked. Once that was removed, or
   * replaced, someone else may lock the new one, and this stays `false`.
   */
  isHeld(): boolean;
  /** Gives the lock to the next one. */
  release(): void;
}

/** A file system. Paths are the platform's own; an error names the path and keeps its cause. */
export interface Disk {
  /** Opens a file that is there. `"read"` cannot write. */
  open(path: string, mode: "read" | "write"): DiskFile;
  /** Makes a new file for reading and writing; fails when one is there. */
  create(path: string): DiskFile;
  /** Bytes of a file, or `undefined` when there is none. */
  sizeOf(path: string): number | undefined;
  /** Entries of a folder in no order, or `undefined` when there is none. */
  list(folder: string): DiskEntry[] | undefined;
  /** Makes a folder and those above it; nothing happens when it is there. */
  makeFolder(folder: string): void;
  /** Moves a file, replacing one that is there. Both are in folders that exist. */
  rename(from: string, to: string): void;
  /**
   * Gives a file a second name, where there is none yet: one content, and gone when the last name is.
   * Not every file system can.
   */
  link(existing: string, path: string): void;
  /** Removes a file, which must be there. */
  removeFile(path: string): void;
  /** Removes a folder and all in it; nothing happens when there is none. */
  removeFolder(folder: string): void;
  /** Resolves when the folder's own entries survive a loss of power. */
  syncFolder(folder: string): Promise<void>;
  /** Takes the one exclusive lock on a file, made when needed; `undefined` when it is held. */
  tryLock(path: string, note: string): DiskLock | undefined;
  /** The note of who holds the lock, for people; empty when nothing is known. */
  readLockNote(path: string): string;
}
