/**
 * The disk of the machine, on `node:fs`: the same file for Deno, Bun and Node.
 *
 * @module
 */
import * as fs from "node:fs";
import * as os from "node:os";
import process from "node:process";
import { messageOf, SeglogError } from "../base/errors.ts";
import type { Disk, DiskEntry, DiskFile, DiskLock } from "./disk.ts";
import { readLockNote, tryLockFile } from "./lock.ts";

const READ_ONLY = fs.constants.O_RDONLY;
const READ_WRITE = fs.constants.O_RDWR;
const CREATE_NEW = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL;
const DISK_FULL_CODES = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** The file system of the machine. */
export const nodeDisk: Disk = {
  open(path, mode) {
    return new NodeFile(path, mode === "read" ? READ_ONLY : READ_WRITE);
  },

  create(path) {
    return new NodeFile(path, CREATE_NEW);
  },

  sizeOf(path) {
    const stats = attempt("read", path, () => fs.statSync(path, { throwIfNoEntry: false }));
    return stats?.isFile() ? stats.size : undefined;
  },

  list(folder) {
    const stats = attempt("list", folder, () => fs.statSync(folder, { throwIfNoEntry: false }));
    if (stats === undefined || !stats.isDirectory()) return undefined;
    const entries = attempt("list", folder, () => fs.readdirSync(folder, { withFileTypes: true }));
    return entries.map((entry): DiskEntry => ({ name: entry.name, isFolder: entry.isDirectory() }));
  },

  makeFolder(folder) {
    attempt("make folder", folder, () => fs.mkdirSync(folder, { recursive: true }));
  },

  rename(from, to) {
    attempt("rename to", to, () => fs.renameSync(from, to));
  },

  link(existing, path) {
    attempt(`link ${existing} to`, path, () => fs.linkSync(existing, path));
  },

  removeFile(path) {
    attempt("remove", path, () => fs.unlinkSync(path));
  },

  removeFolder(folder) {
    attempt("remove", folder, () => fs.rmSync(folder, { recursive: true, force: true }));
  },

  async syncFolder(folder) {
    if (process.platform === "win32") return; // Windows has no sync of folders
    const handle = attempt("open", folder, () => fs.openSync(folder, READ_ONLY));
    try {
      await new Promise<void>((resolve, reject) => {
        fs.fsync(handle, (error) => error ? reject(diskError("sync", folder, error)) : resolve());
      });
    } finally {
      fs.closeSync(handle);
    }
  },

  tryLock(path, note): DiskLock | undefined {
    return tryLockFile(path, note);
  },

  readLockNote,
};

class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #handle: number;

  constructor(path: string, flags: number) {
    this.#path = path;
    this.#handle = attempt("open", path, () => fs.openSync(path, flags, 0o644));
  }

  size(): number {
    return attempt("read", this.#path, () => fs.fstatSync(this.#handle).size);
  }

  read(target: Uint8Array, position: number): number {
    return attempt("read", this.#path, () => {
      let done = 0;
      while (done < target.length) {
        const count = fs.readSync(
          this.#handle,
          target,
          done,
          target.length - done,
          position + done,
        );
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  write(bytes: Uint8Array, position: number): void {
    attempt("write", this.#path, () => {
      let done = 0;
      while (done < bytes.length) { // the operating system may take fewer bytes than it is given
        done += fs.writeSync(this.#handle, bytes, done, bytes.length - done, position + done);
      }
    });
  }

  truncate(size: number): void {
    attempt("truncate", this.#path, () => fs.ftruncateSync(this.#handle, size));
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#handle, (error) => {
        if (error) reject(diskError("sync", this.#path, error));
        else resolve();
      });
    });
  }

  close(): void {
    attempt("close", this.#path, () => fs.closeSync(this.#handle));
  }
}

function attempt<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw diskError(action, path, cause);
  }
}

function diskError(action: string, path: string, cause: unknown): SeglogError {
  const code = codeOf(cause);
  if (code !== undefined && DISK_FULL_CODES.has(code)) {
    return new SeglogError("disk-full", `Cannot ${action} ${path}: the disk is full (${code})`, {
      cause,
    });
  }
  if (code === "ENOENT") {
    return new SeglogError("not-found", `Cannot ${action} ${path}: it does not exist`, { cause });
  }
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return new SeglogError("io", `Cannot ${action} ${path}: not permitted (${code})`, { cause });
  }
  return new SeglogError("io", `Cannot ${action} ${path}: ${messageOf(cause)}`, { cause });
}

/** The code of an error of the operating system; of some, Deno tells the number only, in the text. */
function codeOf(cause: unknown): string | undefined {
  const { code } = cause as { code?: unknown };
  if (typeof code === "string") return code;
  const number = Number(/\(os error (\d+)\)/.exec(messageOf(cause))?.[1]);
  return Object.entries(os.constants.errno).find(([, errno]) => errno === number)?.[0];
}
