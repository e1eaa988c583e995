/**
 * A process that tries to take a lock: `lock_holder.ts PATH`. It prints `held` or `refused`; a
 * holder keeps the lock until its standard input ends.
 *
 * @module
 */
import process from "node:process";
import { tryLockFile } from "../../core/disk/lock.ts";

const lock = await tryLockFile(process.argv[2]!, `pid ${process.pid}\n`);
process.stdout.write(lock === undefined ? "refused\n" : "held\n");
if (lock !== undefined) {
  process.stdin.resume();
  process.stdin.once("end", () => {
    lock.release();
    process.stdout.write("released\n");
  });
}
