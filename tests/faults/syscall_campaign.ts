/**
 * System calls that fail, on every runtime: strace answers the k-th call of a kind in the place of
 * the kernel. It counts each thread by itself, so a pool of threads may see several fail.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import type { Campaign } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { findRuntime, type Runtime } from "../support/runtimes.ts";
import { tempDir } from "../support/temp_dir.ts";
import { checkTold, drive } from "./drive.ts";

/** A kind of call, and up to which one it is worth failing. */
interface CallKind {
  readonly calls: string;
  readonly nthMax: number;
  /** Calls that fail each time, so that what the first one did cannot be taken back. */
  readonly besides?: string;
}

/** All that the three runtimes change a disk with. */
export const CALLS: readonly CallKind[] = [
  { calls: "pwrite64", nthMax: 50 },
  { calls: "pwrite64", nthMax: 50, besides: "ftruncate" },
  { calls: "fdatasync", nthMax: 40 },
  { calls: "fsync", nthMax: 30 },
  { calls: "openat", nthMax: 40 },
  { calls: "rename", nthMax: 30 },
  { calls: "unlink,unlinkat", nthMax: 5 },
];

export const ERRORS = ["EIO", "ENOSPC", "EROFS", "EMFILE", "EACCES"] as const;

/** One case. */
export interface SyscallFault extends CallKind {
  readonly nth: number;
  readonly error: (typeof ERRORS)[number];
}

export const campaign: Campaign = {
  name: "syscall",
  async run({ seed, isOver, note }) {
    const random = new Random(seed);
    const missing = straceMissing();
    if (missing !== undefined) throw new Error(missing);
    const runtimes = (["deno", "bun", "node"] as const).map(findRuntime)
      .filter((found) => typeof found !== "string");
    const counts: Record<string, number> = {};
    let cases = 0;
    for (; !isOver(); cases++) {
      const runtime = random.pick(runtimes);
      const kind = random.pick(CALLS);
      const nth = 1 + random.below(kind.nthMax);
      const hits = await failCall(runtime, { ...kind, nth, error: random.pick(ERRORS) });
      const name = `${runtime.name} ${kind.calls}`;
      counts[name] = (counts[name] ?? 0) + hits;
      if (cases % 200 === 199) note(`${cases + 1} processes`);
    }
    return { cases, counts };
  },
};

/** Why no calls can be made to fail here; nothing when they can. */
export function straceMissing(): string | undefined {
  const args = ["-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1", "true"];
  const { status, error, stderr } = spawnSync("strace", args, { encoding: "utf8" });
  if (error !== undefined) return "strace is not on PATH";
  return status === 0 ? undefined : `strace cannot trace here: ${stderr.trim()}`;
}

/**
 * Lets the driver meet a failing call, and checks what comes of it.
 *
 * @returns how many calls failed
 */
export async function failCall(runtime: Runtime, fault: SyscallFault): Promise<number> {
  const { calls, nth, error, besides } = fault;
  await using dir = tempDir();
  const folder = join(dir.path, "store");
  const log = join(dir.path, "calls.txt");
  const strace = ["strace", "-f", "-qq", "-y", "-o", log];
  // Runtimes open files of their own; only ours shall fail.
  if (calls === "openat") strace.push(...ourPaths(folder).flatMap((path) => ["-P", path]));
  strace.push("-e", `trace=${calls},openat,fdatasync${besides === undefined ? "" : `,${besides}`}`);
  strace.push("-e", `inject=${calls}:error=${error}:when=${nth}`);
  if (besides !== undefined) strace.push("-e", `inject=${besides}:error=${error}`);
  try {
    const told = await drive(runtime, folder, strace);
    const lines = fs.readFileSync(log, "utf8").split("\n");
    checkNoSyncAgain(lines);
    await checkTold(told, folder);
    return lines.filter((line) => line.includes("(INJECTED)")).length;
  } catch (cause) {
    throw new Error(`${runtime.name}: ${calls} ${nth} fails with ${error}: ${cause}`, { cause });
  }
}

function ourPaths(folder: string): string[] {
  const names = ["partition.json.tmp", "partition.json", "00000000000000000000.log"];
  // Segments begin where the driver's rolls come to lie.
  for (let offset = 12; offset <= 72; offset += 2) names.push(`${offset}.log`.padStart(24, "0"));
  const topic = join(folder, "t-0");
  const paths = names.map((name) => join(topic, name));
  return [folder, join(folder, "store.json.tmp"), join(folder, "store.json"), topic, ...paths];
}

/** A sync of a segment that failed is not tried again, unless the file was opened anew: recovered. */
function checkNoSyncAgain(lines: readonly string[]): void {
  const failed = new Set<string>();
  for (const line of lines) {
    const opened = /openat\(.*"([^"]+\.log)", O_RDWR/.exec(line)?.[1];
    if (opened !== undefined) failed.delete(opened);
    const synced = /fdatasync\(\d+<([^>]+\.log)>/.exec(line)?.[1];
    if (synced === undefined) continue;
    assert.ok(!failed.has(synced), `${synced} was synced again after a sync that failed`);
    if (line.includes("(INJECTED)")) failed.add(synced);
  }
}
