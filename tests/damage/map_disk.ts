import { dirname, join } from "node:path";
import { type Disk, type DiskEntry, type DiskFile, type DiskLock, SeglogError } from "../../mod.ts";
import { READ_BLOCK_BYTES } from "../../core/base/limits.ts";

/** The files of a disk: their bytes by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

interface Node {
  bytes: Uint8Array;
  /** Whether the bytes are still those that the disk was made from. */
  isOriginal: boolean;
}

/**
 * A disk made from a map of files, whose bytes it never changes: a copy costs next to nothing. It
 * knows whether anything was changed, and throws when a read asks for more than the file has and a
 * block on top of that: a length that was believed as found.
 */
export class MapDisk implements Disk {
  readonly #original: Files;
  readonly #nodes = new Map<string, Node>();
  readonly #folders = new Set<string>();
  readonly #locks = new Set<string>();

  constructor(files: Files) {
    this.#original = files;
    for (const [path, bytes] of files) {
      this.#nodes.set(path, { bytes, isOriginal: true });
      this.makeFolder(dirname(path));
    }
  }

  /** Whether every file is as it was, and no other is there. */
  get isUnchanged(): boolean {
    return this.#nodes.size === this.#original.size &&
      [...this.#nodes].every(([path, { bytes }]) => this.#original.get(path) === bytes);
  }

  /** The files as they are now. */
  get files(): Map<string, Uint8Array> {
    return new Map([...this.#nodes].map(([path, { bytes }]) => [path, bytes.slice()]));
  }

  open(path: string, mode: "read" | "write"): DiskFile {
    const node = this.#nodes.get(path);
    if (node === undefined) throw missing("open", path);
    return new MapFile(node, path, mode === "write");
  }

  create(path: string): DiskFile {
    if (!this.#folders.has(dirname(path))) throw missing("open", dirname(path));
    if (this.#nodes.has(path)) throw new SeglogError("io", `Cannot open ${path}: it exists`);
    const node = { bytes: new Uint8Array(0), isOriginal: false };
    this.#nodes.set(path, node);
    return new MapFile(node, path, true);
  }

  sizeOf(path: string): number | undefined {
    return this.#nodes.get(path)?.bytes.length;
  }

  list(folder: string): DiskEntry[] | undefined {
    if (!this.#folders.has(folder)) return undefined;
    const entries: DiskEntry[] = [];
    for (const path of this.#nodes.keys()) {
      if (dirname(path) === folder) {
        entries.push({ name: path.slice(join(folder, "x").length - 1), isFolder: false });
      }
    }
    for (const path of this.#folders) {
      if (path !== folder && dirname(path) === folder) {
        entries.push({ name: path.slice(join(folder, "x").length - 1), isFolder: true });
      }
    }
    return entries;
  }

  makeFolder(folder: string): void {
    let path = folder;
    while (!this.#folders.has(path)) {
      this.#folders.add(path);
      path = dirname(path);
    }
  }

  rename(from: string, to: string): void {
    const node = this.#nodes.get(from);
    if (node === undefined) throw missing("rename", from);
    this.#nodes.delete(from);
    this.#nodes.set(to, node);
  }

  link(existing: string, path: string): void {
    const node = this.#nodes.get(existing);
    if (node === undefined) throw missing("link", existing);
    this.#nodes.set(path, node);
  }

  removeFile(path: string): void {
    if (!this.#nodes.delete(path)) throw missing("remove", path);
  }

  removeFolder(folder: string): void {
    for (const path of [...this.#nodes.keys()]) {
      if (path.startsWith(join(folder, "x").slice(0, -1))) this.#nodes.delete(path);
    }
    this.#folders.delete(folder);
  }

  syncFolder(): Promise<void> {
    return Promise.resolve();
  }

  tryLock(path: string): DiskLock | undefined {
    if (this.#locks.has(path)) return undefined;
    this.#locks.add(path);
    return { isHeld: () => this.#locks.has(path), release: () => void this.#locks.delete(path) };
  }

  readLockNote(): string {
    return "";
  }
}

class MapFile implements DiskFile {
  readonly #node: Node;
  readonly #path: string;
  readonly #isWritable: boolean;

  constructor(node: Node, path: string, isWritable: boolean) {
    this.#node = node;
    this.#path = path;
    this.#isWritable = isWritable;
  }

  size(): number {
    return this.#node.bytes.length;
  }

  read(target: Uint8Array, position: number): number {
    const { bytes } = this.#node;
    if (target.length > bytes.length + READ_BLOCK_BYTES) {
      throw new Error(
        `${target.length} bytes are asked of ${this.#path}, which has ${bytes.length}`,
      );
    }
    const found = bytes.subarray(position, position + target.length);
    target.set(found);
    return found.length;
  }

  write(bytes: Uint8Array, position: number): void {
    this.#resize(Math.max(this.#node.bytes.length, position + bytes.length));
    this.#node.bytes.set(bytes, position);
  }

  truncate(size: number): void {
    this.#resize(size);
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}

  /** Gives the file bytes of its own, of this length. */
  #resize(size: number): void {
    if (!this.#isWritable) throw new SeglogError("io", `Cannot write ${this.#path}`);
    const node = this.#node;
    if (!node.isOriginal && size === node.bytes.length) return;
    const bytes = new Uint8Array(size);
    bytes.set(node.bytes.subarray(0, size));
    node.bytes = bytes;
    node.isOriginal = false;
  }
}

function missing(action: string, path: string): SeglogError {
  return new SeglogError("not-found", `Cannot ${action} ${path}: it does not exist`);
}
