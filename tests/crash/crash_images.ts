/**
 * What a loss of power may leave of a disk. Whatever a returned sync covered is there. Of all that
 * was done since, each operation may have happened or not, in any combination:
 *
 * - a write whole, not at all, or torn: each sector of 512 bytes has the new content or the old,
 *   or, behind the old end of the file, zeros or garbage, with the length moved on or not;
 * - a file cut or not;
 * - a new, renamed or removed entry of a folder there or not. A rename is one step: never half.
 *
 * This is harsher than any file system that is in use: it assumes no order that was not asked for.
 */
import { dirname } from "node:path";
import type { Random } from "../support/random.ts";
import type {
  DataOperation,
  Image,
  NameOperation,
  Operation,
  RecordingDisk,
} from "./recording_disk.ts";

const SECTOR_BYTES = 512;
/** Up to so many pending operations, every combination of them is tried. */
const EXHAUSTIVE_MAX = 5;

/** How an image came about. */
export interface CrashImage extends Image {
  /** Nothing was lost: the process died, and the machine went on. */
  readonly isWhole: boolean;
  readonly description: string;
}

interface Pending {
  readonly index: number;
  readonly operation: DataOperation | NameOperation;
  /** Folders that have to be synced until it is durable. */
  readonly folders: Set<string>;
}
type Tear = (write: WriteOperation, before: Uint8Array) => Uint8Array;
type WriteOperation = Extract<DataOperation, { kind: "write" }>;

/** A disk as it stands after some operations, and what of it is sure to outlive a crash. */
export class CrashModel {
  #folders: Set<string>;
  #names: Map<string, number>;
  readonly #contents = new Map<number, Uint8Array>();
  #pending: Pending[] = [];
  #count = 0;

  constructor(start: Image) {
    this.#folders = new Set(start.folders);
    this.#names = new Map([...start.files.keys()].map((path, file) => [path, file]));
    for (const [path, file] of this.#names) this.#contents.set(file, start.files.get(path)!);
  }

  /** Operations so far. */
  get count(): number {
    return this.#count;
  }

  /** Takes in the next operation. */
  advance(operation: Operation): void {
    const index = this.#count++;
    if (operation.kind === "sync") this.#settleFile(operation.file, operation.covers);
    else if (operation.kind === "syncFolder") {
      this.#settleFolder(operation.path, operation.covers);
    } else this.#pending.push({ index, operation, folders: foldersOf(operation) });
  }

  /**
   * At most `most` different images that a crash may leave now: with everything done, with nothing
   * of what is pending, and then any.
   */
  *images(random: Random, most: number): Generator<CrashImage, void, undefined> {
    const { length } = this.#pending;
    const whole = "1".repeat(length);
    yield this.#image(whole, undefined, true);
    if (length === 0) return;
    const plain = selections(length, random);
    const hasWrites = this.#pending.some(({ operation }) => operation.kind === "write");
    const seen = new Set([whole]);
    for (let count = 1; count < most; count++) {
      const isTorn = hasWrites && (plain.length === 0 || count % 2 === 0);
      const kept = isTorn ? randomSelection(length, random, 0.8) : plain.shift();
      if (kept === undefined) return;
      if (!isTorn && seen.has(kept)) continue;
      seen.add(kept);
      yield this.#image(kept, isTorn ? random.fork() : undefined, false);
    }
  }

  #settleFile(file: number, covers: number): void {
    const [settled, pending] = parted(
      this.#pending,
      ({ index, operation }) => isData(operation) && operation.file === file && index < covers,
    );
    let content = this.#contents.get(file);
    for (const { operation } of settled) content = applied(operation as DataOperation, content);
    if (content !== undefined) this.#contents.set(file, content);
    this.#pending = pending;
  }

  #settleFolder(folder: string, covers: number): void {
    for (const { index, folders } of this.#pending) if (index < covers) folders.delete(folder);
    const [settled, pending] = parted(
      this.#pending,
      ({ operation, folders }) => !isData(operation) && folders.size === 0,
    );
    for (const { index, operation } of settled) {
      const name = operation as NameOperation;
      rename(this.#folders, this.#names, name);
      if (name.kind !== "removeFolder") continue;
      // All that was in it has gone with it.
      const below = `${name.path}/`;
      for (const path of this.#names.keys()) if (path.startsWith(below)) this.#names.delete(path);
      for (const other of pending.toReversed()) {
        const isGone = other.index < index && !isData(other.operation) &&
          other.operation.path.startsWith(below);
        if (isGone) pending.splice(pending.indexOf(other), 1);
      }
    }
    this.#pending = pending;
  }

  /** @param kept a `1` for each pending operation that has reached the disk */
  #image(kept: string, tearSeed: number | undefined, isWhole: boolean): CrashImage {
    const folders = new Set(this.#folders);
    const names = new Map(this.#names);
    const contents = new Map<number, Uint8Array>();
    const tear = tearSeed === undefined ? undefined : tearing(tearSeed);
    this.#pending.forEach(({ operation }, i) => {
      if (kept[i] === "0") return;
      if (!isData(operation)) return rename(folders, names, operation);
      const { file } = operation;
      const before = contents.get(file) ?? this.#contents.get(file);
      contents.set(file, applied(operation, before, tear));
    });
    const files = new Map<string, Uint8Array>();
    for (const [path, file] of names) {
      if (!isReachable(folders, path)) continue;
      files.set(path, contents.get(file) ?? this.#contents.get(file) ?? new Uint8Array(0));
    }
    const torn = tearSeed === undefined ? "" : `, torn by seed ${tearSeed}`;
    return {
      folders: [...folders].filter((folder) => isReachable(folders, folder)),
      files,
      isWhole,
      description: `crash after ${this.#count} operations, of those pending kept ${
        kept || "-"
      }${torn}`,
    };
  }
}

/**
 * Which of `length` operations have happened: none first, then all combinations where they are few,
 * else each alone, each left out, everything up to one, and some at random; in random order.
 */
function selections(length: number, random: Random): string[] {
  const others: string[] = [];
  if (length <= EXHAUSTIVE_MAX) {
    for (let mask = 1; mask < 2 ** length - 1; mask++) {
      others.push(mask.toString(2).padStart(length, "0"));
    }
  } else {
    for (let i = 1; i < length; i++) others.push("1".repeat(i) + "0".repeat(length - i));
    for (let i = 0; i < length; i++) {
      others.push("1".repeat(i) + "0" + "1".repeat(length - i - 1));
      others.push("0".repeat(i) + "1" + "0".repeat(length - i - 1));
      others.push(randomSelection(length, random, 0.5));
    }
  }
  return ["0".repeat(length), ...shuffled(others, random)];
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}

function randomSelection(length: number, random: Random, probability: number): string {
  return Array.from({ length }, () => random.chance(probability) ? "1" : "0").join("");
}

/** Tears about half of all writes, sector by sector. */
function tearing(seed: number): Tear {
  let state = seed;
  const next = () => state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const draw = (bound: number) => Math.floor(next() / 2 ** 32 * bound);
  return ({ bytes, position }, before) => {
    const end = position + bytes.length;
    const after = new Uint8Array(Math.max(end, before.length));
    after.set(before);
    after.set(bytes, position);
    if (draw(2) === 0) return after;
    let reached = before.length;
    for (let at = position; at < end;) {
      const sectorEnd = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
      const fate = draw(4);
      const fresh = Math.max(at, Math.min(sectorEnd, before.length)); // nothing was here before
      if (fate === 1) { // the old content, which behind the old end is zeros
        after.set(before.subarray(at, fresh), at);
        after.fill(0, fresh, sectorEnd);
      } else if (fate === 2) after.fill(0, fresh, sectorEnd);
      else if (fate === 3) { for (let i = fresh; i < sectorEnd; i++) after[i] = draw(256); }
      if (fate !== 1) reached = Math.max(reached, sectorEnd);
      at = sectorEnd;
    }
    const isLengthKept = draw(2) === 0;
    return isLengthKept ? after : after.subarray(0, reached);
  };
}

function applied(
  operation: DataOperation,
  before: Uint8Array = new Uint8Array(0),
  tear?: Tear,
): Uint8Array {
  if (operation.kind === "truncate") {
    const after = new Uint8Array(operation.size);
    after.set(before.subarray(0, operation.size));
    return after;
  }
  if (tear !== undefined) return tear(operation, before);
  const { bytes, position } = operation;
  const after = new Uint8Array(Math.max(before.length, position + bytes.length));
  after.set(before);
  after.set(bytes, position);
  return after;
}

function rename(folders: Set<string>, names: Map<string, number>, operation: NameOperation): void {
  const { kind, path } = operation;
  if (kind === "makeFolder") folders.add(path);
  else if (kind === "removeFolder") folders.delete(path);
  else if (kind === "remove") names.delete(path);
  else {
    if (kind === "rename" && names.get(operation.from) === operation.file) {
      names.delete(operation.from);
    }
    names.set(path, operation.file);
  }
}

/** A rename across folders is durable when both are. */
function foldersOf(operation: DataOperation | NameOperation): Set<string> {
  if (isData(operation)) return new Set();
  const paths = operation.kind === "rename" ? [operation.from, operation.path] : [operation.path];
  return new Set(paths.map((path) => dirname(path)));
}

function isReachable(folders: ReadonlySet<string>, path: string): boolean {
  for (let folder = dirname(path);; folder = dirname(folder)) {
    if (folder === dirname(folder)) return true;
    if (!folders.has(folder)) return false;
  }
}

function isData(operation: Operation): operation is DataOperation {
  return operation.kind === "write" || operation.kind === "truncate";
}

function parted<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** At most `most` images after each of the operations of a disk from the `from`-th on, in order. */
export function* crashesOf(
  disk: RecordingDisk,
  options: { readonly random: Random; readonly most: number; readonly from?: number },
): Generator<CrashImage, void, undefined> {
  const { random, most, from = 0 } = options;
  const model = new CrashModel(disk.start);
  for (const operation of disk.operations) {
    model.advance(operation);
    if (model.count > from) yield* model.images(random, most);
  }
}
