/**
 * One process seen by another, operation by operation: what an owner does to its disk is recorded,
 * and done again, step by step, under the eyes of somebody who reads beside it.
 */
import { type Disk, type DiskFile, type DiskLock, MemoryDisk } from "../../mod.ts";
import type { Random } from "../support/random.ts";

/** A change to a disk: a write, which may be seen half done, or another step. */
export type Change =
  & { readonly path: string }
  & ({ readonly file: number; readonly bytes: Uint8Array; readonly position: number } | {
    /** @param files those that the changes before have opened, by their number */
    readonly run: (disk: Disk, files: Map<number, DiskFile>) => void;
  });

/** A disk in memory that notes all that changes it. Its lock is given to everybody. */
export class RecordingDisk extends MemoryDisk {
  readonly changes: Change[] = [];
  #files = 0;

  override open(path: string, mode: "read" | "write"): DiskFile {
    const file = super.open(path, mode);
    return mode === "read" ? file : this.#recorded(path, file, (disk) => disk.open(path, "write"));
  }

  override create(path: string): DiskFile {
    return this.#recorded(path, super.create(path), (disk) => disk.create(path));
  }

  override makeFolder(path: string): void {
    super.makeFolder(path);
    this.#note(path, (disk) => disk.makeFolder(path));
  }

  override rename(from: string, to: string): void {
    super.rename(from, to);
    this.#note(to, (disk) => disk.rename(from, to));
  }

  override removeFile(path: string): void {
    super.removeFile(path);
    this.#note(path, (disk) => disk.removeFile(path));
  }

  override removeFolder(path: string): void {
    super.removeFolder(path);
    this.#note(path, (disk) => disk.removeFolder(path));
  }

  override tryLock(): DiskLock {
    return { isHeld: () => true, release: () => {} };
  }

  #note(path: string, run: (disk: Disk, files: Map<number, DiskFile>) => void): void {
    this.changes.push({ path, run });
  }

  #recorded(path: string, file: DiskFile, open: (disk: Disk) => DiskFile): DiskFile {
    const number = this.#files++;
    this.#note(path, (disk, files) => void files.set(number, open(disk)));
    return {
      size: () => file.size(),
      read: (target, position) => file.read(target, position),
      write: (bytes, position) => {
        file.write(bytes, position);
        this.changes.push({ path, file: number, bytes: bytes.slice(), position });
      },
      truncate: (size) => {
        file.truncate(size);
        this.#note(path, (_, files) => files.get(number)!.truncate(size));
      },
      sync: () => file.sync(),
      close: () => file.close(),
    };
  }
}

/** A disk on which recorded changes happen, a few before each operation of whoever uses it. */
export class ReplayDisk extends MemoryDisk {
  /** How likely a change is to happen before an operation. */
  haste = 0;
  /** How likely a write is to be seen half done. */
  halves = 0;
  readonly #changes: readonly Change[];
  readonly #random: Random;
  readonly #files = new Map<number, DiskFile>();
  #begun = 0;
  /** The rest of a write that is under way. */
  #rest: (() => void) | undefined;
  #isReplaying = false;

  constructor(changes: readonly Change[], random: Random) {
    super();
    this.#changes = changes;
    this.#random = random;
  }

  /** How many changes have begun to happen. */
  get begun(): number {
    return this.#begun;
  }

  /** How many changes have happened. */
  get done(): number {
    return this.#rest === undefined ? this.#begun : this.#begun - 1;
  }

  /** Whether all has happened. */
  get isOver(): boolean {
    return this.done === this.#changes.length;
  }

  /** Lets the next change happen, or a part of it. */
  step(): void {
    if (this.#isReplaying || this.isOver) return;
    this.#isReplaying = true;
    try {
      this.#step();
    } finally {
      this.#isReplaying = false;
    }
  }

  #step(): void {
    if (this.#rest !== undefined) {
      this.#rest();
      this.#rest = undefined;
      return;
    }
    const change = this.#changes[this.#begun++]!;
    if ("run" in change) return change.run(this, this.#files);
    const file = this.#files.get(change.file)!;
    const { bytes, position } = change;
    const isWhole = !this.#random.chance(this.halves);
    const cut = isWhole ? bytes.length : this.#random.below(bytes.length);
    file.write(bytes.subarray(0, cut), position);
    if (cut < bytes.length) this.#rest = () => file.write(bytes.subarray(cut), position + cut);
  }

  #pass(): void {
    while (!this.#isReplaying && !this.isOver && this.#random.chance(this.haste)) this.step();
  }

  override open(path: string, mode: "read" | "write"): DiskFile {
    this.#pass();
    const file = super.open(path, mode);
    if (mode === "write") return file;
    return {
      size: () => {
        this.#pass();
        return file.size();
      },
      read: (target, position) => {
        this.#pass();
        return file.read(target, position);
      },
      write: (bytes, position) => file.write(bytes, position),
      truncate: (size) => file.truncate(size),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  }

  override sizeOf(path: string): number | undefined {
    this.#pass();
    return super.sizeOf(path);
  }

  override list(path: string): ReturnType<MemoryDisk["list"]> {
    this.#pass();
    return super.list(path);
  }

  override create(path: string): DiskFile {
    this.#pass();
    return super.create(path);
  }
}
