/**
 * Ends this process when the one that started it is gone: killed, it cannot end it by itself. What a
 * query keeps busy is the main thread, so another one looks.
 *
 * @module
 */
import process from "node:process";
import { Worker } from "node:worker_threads";

/** How often it looks. */
const LOOK_MS = 500;

/** Looks after the parent until this process ends by itself. */
export function endWithParent(): void {
  // A process whose parent ends is given to another one.
  const look = `
    const isThere = () => {
      if (process.ppid !== ${process.ppid}) return false;
      try {
        return process.kill(${process.ppid}, 0);
      } catch {
        return false;
      }
    };
    setInterval(() => isThere() || process.kill(process.pid, "SIGKILL"), ${LOOK_MS});
  `;
  const watch = new Worker(look, { eval: true });
  watch.on("error", () => {}); // without it, the system's bound of time is left
  watch.unref();
}
