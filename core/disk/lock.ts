/**
 * One owner per data directory: `flock(2)` on a file that is never unlinked.
 *
 * The lock belongs to the open file, so the kernel frees it the moment its owner dies, and the
 * three runtimes exclude each other. Deno has the call built in, Bun reaches libc, and Node, which
 * has neither, lets `flock(1)` lock the descriptor that it inherits: the lock stays with the open
 * file after that program has ended.
 *
 * It is given back by unlocking: closing would leave it with a child that another thread is starting,
 * which has all that is open until its program is loaded.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import process from "node:process";
import { messageOf, SeglogError } from "../base/errors.ts";
import type { DiskLock } from "./disk.ts";

/** What is asked for, as `flock(2)` and `flock(1)` call it. */
const LOCK = { call: 2 | 4, words: ["-x", "-n"] }; // exclusively, without waiting
const UNLOCK = { call: 8, words: ["-u"] };
/** The descriptor under which `flock(1)` finds ours: the first after the three standard ones. */
const INHERITED_DESCRIPTOR = 3;

/**
 * Tries to lock the file at `path`, making it when needed.
 *
 * @param note what the file will say to people who look who holds it
 * @returns the lock, or `undefined` when another process or opener holds it
 */
export function tryLockFile(path: string, note: string): DiskLock | undefined {
  const lock = lockOpenFile(path);
  return lock === undefined ? undefined : signLock(lock, path, note);
}

/**
 * Writes the note into the file that was locked, if `path` still names it: it may have been replaced
 * after it was opened, and then the lock guards nothing.
 *
 * @returns the lock, or `undefined` when it was given back
 */
export function signLock(lock: LockedFile, path: string, note: string): DiskLock | undefined {
  if (lock.identity !== identityAt(path)) {
    lock.release();
    return undefined;
  }
  try {
    fs.writeFileSync(path, note);
  } catch { // it is for people to read; the lock holds without it
  }
  let isHeld = true;
  let isReleased = false;
  return {
    isHeld: () => isHeld &&= !isReleased && lock.identity === identityAt(path),
    release() {
      if (isReleased) return; // the descriptor may be another's by now
      isReleased = true;
      lock.release();
    },
  };
}

/** What the owner of a lock wrote about itself; empty when nothing is known. */
export function readLockNote(path: string): string {
  try {
    return fs.readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/** A file that is open and locked. */
export interface LockedFile {
  /** Its device and inode. */
  readonly identity: string;
  /** Unlocks the file, and closes it. */
  release(): void;
}

/**
 * Opens the file at `path`, and tries to lock what was opened.
 *
 * @param create whether it is made where there is none; true unless given
 * @throws {SeglogError} `io` when it cannot be opened; `unsupported` when there is no way to lock it
 */
export function lockOpenFile(path: string, { create = true } = {}): LockedFile | undefined {
  if (deno !== undefined) return lockOnDeno(deno, path, create);
  const handle = opened(path, () => fs.openSync(path, create ? "a+" : "r+"));
  return lockHandle(path, handle, process.versions.bun === undefined ? flockOnNode : flockOnBun);
}

function opened<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const mayNotWrite = ["EROFS", "EACCES", "EPERM"].includes((cause as { code?: string }).code!);
    const next = mayNotWrite ? "; reading needs no lock" : "";
    throw new SeglogError("io", `Cannot open ${path} to lock it: ${messageOf(cause)}${next}`, {
      cause,
    });
  }
}

/** The part of Deno's API that is used here. */
interface DenoFiles {
  openSync(path: string, options: { read: true; write: true; create: boolean }): {
    tryLockSync(exclusive: boolean): boolean;
    unlockSync(): void;
    statSync(): DenoStats;
    close(): void;
  };
  statSync(path: string): DenoStats;
}

interface DenoStats {
  readonly dev: number;
  readonly ino: number | null;
}

const { Deno: deno } = globalThis as { Deno?: DenoFiles };

function lockOnDeno(deno: DenoFiles, path: string, create: boolean): LockedFile | undefined {
  const file = opened(
    path,
    () => deno.openSync(path, { read: true, write: true, create }),
  );
  const { dev, ino } = file.statSync();
  if (!file.tryLockSync(true)) {
    file.close();
    return undefined;
  }
  return {
    identity: `${dev}:${ino}`,
    release() {
      unlocked(() => file.unlockSync());
      file.close();
    },
  };
}

/** Unlocks what is closed next: where that fails, closing frees it as well, if a moment later. */
function unlocked(unlock: () => void): void {
  try {
    unlock();
  } catch { // it is closed in any case
  }
}

/** Locks or unlocks what is open. @returns whether that was done */
type Flock = (handle: number, operation: typeof LOCK) => boolean;

function lockHandle(
  path: string,
  handle: number,
  flock: Flock,
): LockedFile | undefined {
  try {
    const { dev, ino } = fs.fstatSync(handle);
    if (flock(handle, LOCK)) {
      return {
        identity: `${dev}:${ino}`,
        release() {
          unlocked(() => flock(handle, UNLOCK));
          fs.closeSync(handle);
        },
      };
    }
  } catch (cause) {
    fs.closeSync(handle);
    throw new SeglogError("unsupported", `Cannot lock ${path}: ${messageOf(cause)}`, { cause });
  }
  fs.closeSync(handle);
  return undefined;
}

function flockOnBun(handle: number, { call }: typeof LOCK): boolean {
  const ffi = process.getBuiltinModule("bun:ffi") as unknown as BunFfi;
  const library = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  const { symbols, close } = ffi.dlopen(library, {
    flock: { args: ["i32", "i32"], returns: "i32" },
  });
  try {
    return symbols.flock(handle, call) === 0;
  } finally {
    close();
  }
}

/** The part of Bun's API that is used here. */
interface BunFfi {
  dlopen(library: string, symbols: unknown): {
    symbols: { flock(handle: number, operation: number): number };
    close(): void;
  };
}

function flockOnNode(handle: number, { words }: typeof LOCK): boolean {
  const result = spawnSync("flock", [...words, String(INHERITED_DESCRIPTOR)], {
    stdio: ["ignore", "ignore", "ignore", handle],
  });
  if (result.error !== undefined) {
    const isMissing = (result.error as { code?: string }).code === "ENOENT";
    const why = isMissing
      ? "Node needs the program flock(1), from util-linux; or use Deno or Bun"
      : messageOf(result.error);
    throw new Error(why, { cause: result.error });
  }
  return result.status === 0;
}

/** The device and inode of what is at `path`, or `undefined` when that cannot be told. */
function identityAt(path: string): string | undefined {
  try {
    // Deno's own call takes a third of the time, and this is asked for each write.
    const { dev, ino } = deno === undefined ? fs.statSync(path) : deno.statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
