/**
 * Meters of the process itself, by the names that the client libraries of Prometheus agree on.
 *
 * @module
 */
import * as fs from "node:fs";
import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/** Where Linux tells what no module of the runtimes does. */
const PROC = "/proc/self";

/** Adds them. What the operating system does not tell is left out. */
export function addProcessMeters(registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, measure: () => number) =>
    new Gauge({
      name: `process_${name}`,
      help,
      registers,
      collect() {
        this.set(measure());
      },
    });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Time that processors worked for the process.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const startSeconds = Date.now() / 1000 - process.uptime();
  gauge(
    "start_time_seconds",
    "When the process started, in seconds since 1970.",
    () => startSeconds,
  );
  gauge(
    "resident_memory_bytes",
    "Memory of the process.",
    () => process.memoryUsage().rss,
  );
  gauge("heap_bytes", "Memory of the heap of JavaScript.", () => process.memoryUsage().heapTotal);
  const virtualBytes = () => 1024 * numberIn(`${PROC}/status`, /^VmSize:\s+(\d+) kB/m);
  const filesMax = () => numberIn(`${PROC}/limits`, /^Max open files\s+(\d+)/m);
  if (isKnown(virtualBytes)) {
    gauge("virtual_memory_bytes", "Memory that it could use without asking again.", virtualBytes);
  }
  if (isKnown(openFiles)) gauge("open_fds", "Files and sockets that are open.", openFiles);
  if (isKnown(filesMax)) gauge("max_fds", "Files and sockets that may be open.", filesMax);
}

/** `deno 2.9.6` */
export function runtimeName(): string {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  if (deno !== undefined) return `deno ${deno}`;
  return bun === undefined ? `node ${node}` : `bun ${bun}`;
}

/** The folder that is looked at is open meanwhile. */
function openFiles(): number {
  return fs.readdirSync(`${PROC}/fd`).length - 1;
}

function numberIn(path: string, pattern: RegExp): number {
  return Number(pattern.exec(fs.readFileSync(path, "utf8"))?.[1]);
}

function isKnown(measure: () => number): boolean {
  try {
    return measure() > 0;
  } catch {
    return false;
  }
}
