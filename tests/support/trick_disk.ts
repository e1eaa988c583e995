import { type DiskFile, MemoryDisk } from "../../mod.ts";

/** What a {@linkcode TrickDisk} is asked: the name of the operation and the path. */
export type Trick = (operation: string, path: string) => void;

/**
 * A disk in memory whose operations a test can watch, hold up and make fail: `onOperation` may
 * throw, and `holdSync` may wait.
 */
export class TrickDisk extends MemoryDisk {
  onOperation: Trick = () => {};
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
      size: () => file.size(),
      read: (target, position) => file.read(target, position),
      write: (bytes, position) => {
        this.onOperation("write", path);
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
