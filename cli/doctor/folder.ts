/**
 * Looks at a folder of data: whether a server can write to it, who owns it, what disk it is on, and
 * how fast that syncs. Nothing is changed: what is written to measure is removed.
 *
 * @module
 */
import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { messageOf } from "../../core/base/errors.ts";
import { lockOwner } from "../lock_owner.ts";
import { formatBytes, formatCount } from "../units.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

const MIB = 1024 * 1024;
/** Less is no room for a segment. */
const SPACE_MIN = 128 * MIB;
/** Less will be gone soon. */
const SPACE_LOW = 2048 * MIB;
const INODES_LOW = 10_000;
/** Syncs that are timed, and the size of what each of them syncs. */
const SYNCS = 15;
const SYNC_BYTES = 4096;
/** Slower ones are felt by whoever waits for an append. */
const SYNC_SLOW_MS = 20;

/** File systems by their number on Linux. */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB2",
  0x00c36400: "Ceph",
  0x0bd00bd0: "Lustre",
  0x01021997: "9p",
};
const IN_MEMORY: Readonly<Record<number, string>> = { 0x01021994: "tmpfs", 0x858458f6: "ramfs" };
const OVERLAY = 0x794c7630;

/** Everything about the folder that is to be served. */
export function checkFolder(folder: string): Finding[] {
  const path = resolve(folder);
  const stats = fs.statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isDirectory()) {
    return [fail("folder", `${path} is no folder`, "name another with --data")];
  }
  if (stats === undefined) return [...checkParent(path), ...checkDisk(nearest(path))];
  const findings = [...checkWritable(path, stats), ...checkOwner(path), ...checkDisk(path)];
  return isWritable(path) ? [...findings, ...checkSyncs(path)] : findings;
}

function checkParent(path: string): Finding[] {
  const above = nearest(path);
  return [
    isWritable(above)
      ? ok("folder", `${path} is not there yet, and can be made`)
      : fail("folder", `${path} is not there, and cannot be made in ${above}`, ownership(above)),
  ];
}

function checkWritable(path: string, stats: fs.Stats): Finding[] {
  if (!isWritable(path)) {
    return [fail("folder", `${path} cannot be written to`, ownership(path))];
  }
  const isForAll = process.platform !== "win32" && (stats.mode & 0o002) !== 0;
  if (!isForAll) return [ok("folder", `${path} can be written to`)];
  return [
    warn("folder", `${path} can be written to by everybody on this machine`, `chmod o-w ${path}`),
  ];
}

/** Held is well: a server runs, and this is to look after it. */
function checkOwner(path: string): Finding[] {
  try {
    const owner = lockOwner(path);
    return [ok("owner", owner === undefined ? "nobody owns the folder" : `held by ${owner}`)];
  } catch (error) {
    return [fail("owner", messageOf(error), "a store needs a file system that can lock")];
  }
}

function checkDisk(path: string): Finding[] {
  let disk: fs.StatsFs;
  try {
    disk = fs.statfsSync(path);
  } catch {
    return []; // not every system tells
  }
  return [...checkKind(disk.type), ...checkSpace(disk)];
}

function checkKind(type: number): Finding[] {
  if (process.platform !== "linux") return [];
  const kind = type >>> 0;
  const network = NETWORK[kind];
  if (network !== undefined) {
    return [warn(
      "file system",
      `${network}: its locks and syncs may hold less than they say`,
      "use a disk of this machine",
    )];
  }
  const memory = IN_MEMORY[kind];
  if (memory !== undefined) {
    return [warn(
      "file system",
      `${memory}: all is gone when the machine stops`,
      "use a disk, unless that is meant",
    )];
  }
  if (kind === OVERLAY) {
    return [warn(
      "file system",
      "overlay: the layer of a container, which is gone with it",
      "mount a volume there",
    )];
  }
  return [ok("file system", `of this machine (type 0x${kind.toString(16)})`)];
}

function checkSpace({ bavail, bsize, files, ffree }: fs.StatsFs): Finding[] {
  const free = Number(bavail) * Number(bsize);
  const says = `${formatBytes(free)} free`;
  const findings = free < SPACE_MIN
    ? [fail("disk space", says, "make room: appends will be refused soon")]
    : free < SPACE_LOW
    ? [warn("disk space", says, "make room, or let topics drop what is old")]
    : [ok("disk space", says)];
  if (Number(files) > 0 && Number(ffree) < INODES_LOW) {
    findings.push(
      warn("inodes", `${formatCount(Number(ffree))} free`, "remove small files on this disk"),
    );
  }
  return findings;
}

function checkSyncs(folder: string): Finding[] {
  const path = join(folder, `.doctor-${process.pid}`);
  try {
    const ms = timeSyncs(path);
    const says = `${ms.toFixed(ms < 1 ? 3 : 1)} ms for a sync, the median of ${SYNCS}`;
    if (ms <= SYNC_SLOW_MS) return [ok("syncs", says)];
    return [warn(
      "syncs",
      says,
      "an append waits as long: use a faster disk, larger batches, or sync: interval:200ms",
    )];
  } catch (error) {
    return [fail("syncs", messageOf(error), "a store needs a file system that can sync")];
  } finally {
    fs.rmSync(path, { force: true });
  }
}

function timeSyncs(path: string): number {
  const file = fs.openSync(path, "wx");
  try {
    const bytes = new Uint8Array(SYNC_BYTES);
    const times: number[] = [];
    for (let i = 0; i < SYNCS; i++) {
      const startMs = performance.now();
      fs.writeSync(file, bytes, 0, bytes.length, i * SYNC_BYTES);
      fs.fdatasyncSync(file);
      times.push(performance.now() - startMs);
    }
    return times.toSorted((a, b) => a - b)[Math.floor(SYNCS / 2)]!;
  } finally {
    fs.closeSync(file);
  }
}

function isWritable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The folder itself, or the nearest one above it that is there. */
function nearest(path: string): string {
  return fs.existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

function ownership(path: string): string {
  const user = process.getuid?.();
  return user === undefined
    ? `let this user write to ${path}`
    : `let user ${user} write to ${path}`;
}
