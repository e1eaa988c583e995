import * as fs from "node:fs";

/** Whether a process runs; one that has ended and was not asked after does not. Linux only. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
