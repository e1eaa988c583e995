import { type DiskEntry, type DiskFile, MemoryDisk, SeglogError } from "../../mod.ts";

/** What a {@linkcode TrickDisk} is asked: the name of the operation and the path. */
export type Trick = (operation: string, path: string) => void;

/** Thrown by a trick at a write: this share of the bytes is written, and then it fails. */
export class ShortWrite extends SeglogError {
  readonly share: number;

  constructor(share: number) {
    super("disk-full", "ENOSPC after part of the bytes");
    this.share = share;
  }
}

/**
 * A disk in memory whose operations a test can watch, hold up and make fail: `onOperation` may
 * throw, and `holdSync` may wait.
 */
export class TrickDisk extends MemoryDisk {
  /** Told of what changes something, before it is done. */
  onOperation: Trick = () => {};
  /** Told of what only looks, before it is answered: `size`, `read`, `sizeOf`, `list`. */
  onQuestion: Trick = () => {};
  holdSync: (path: string) => Promise<void> = () => Promise.resolve();
  /** Syncs of files that returned well, by path. */
  readonly synced: string[] = [];

  override open(path: string, mode: "read" | "write"): DiskFile {
    this.onOperation("open", path);
    return this.#tricked(path, super.open(path, mode));
  }

  override create(path: string): DiskFile {
    this.onOperation("create", path);
    return this.#tricked(path, super.create(path));
  }

  override sizeOf(path: string): number | undefined {
    this.onQuestion("sizeOf", path);
    return super.sizeOf(path);
  }

  override list(path: string): DiskEntry[] | undefined {
    this.onQuestion("list", path);
    return super.list(path);
  }

  override makeFolder(path: string): void {
    this.onOperation("makeFolder", path);
    super.makeFolder(path);
  }

  override rename(from: string, to: string): void {
    this.onOperation("rename", to);
    super.rename(from, to);
  }

  override link(existing: string, path: string): void {
    this.onOperation("link", path);
    super.link(existing, path);
  }

  override removeFolder(folder: string): void {
    this.onOperation("removeFolder", folder);
    super.removeFolder(folder);
  }

  override removeFile(path: string): void {
    this.onOperation("removeFile", path);
    super.removeFile(path);
  }

  override async syncFolder(path: string): Promise<void> {
    this.onOperation("syncFolder", path);
    await super.syncFolder(path);
  }

  #tricked(path: string, file: DiskFile): DiskFile {
    return {
      size: () => {
        this.onQuestion("size", path);
        return file.size();
      },
      read: (target, position) => {
        this.onQuestion("read", path);
        return file.read(target, position);
      },
      write: (bytes, position) => {
        try {
          this.onOperation("write", path);
        } catch (error) {
          if (error instanceof ShortWrite) {
            file.write(bytes.subarray(0, Math.floor(bytes.length * error.share)), position);
          }
          throw error;
        }
        file.write(bytes, position);
      },
      truncate: (size) => {
        this.onOperation("truncate", path);
        file.truncate(size);
      },
      sync: async () => {
        await this.holdSync(path);
        this.onOperation("sync", path);
        await file.sync();
        this.synced.push(path);
      },
      close: () => file.close(),
    };
  }
}
