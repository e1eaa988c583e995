/**
 * How a server or a folder is, as rows for people and for programs.
 *
 * @module
 */
import type { RecoveredPartition, StoreTotals } from "../core/store_totals.ts";
import type { ServerStatus } from "../server/status.ts";
import type { Output } from "./output.ts";
import { writeRows } from "./table.ts";
import { formatBytes, formatCount } from "./units.ts";

/** A folder, seen from outside. */
export interface FolderStatus extends StoreTotals {
  readonly folder: string;
  /** What its owner says of itself; `null` when nobody owns it. */
  readonly owner: string | null;
}

/** Writes a row for each fact. */
export async function writeStatus(
  output: Output,
  status: ServerStatus | FolderStatus,
): Promise<void> {
  const [count, bytes] = output.isTerminal ? [formatCount, formatBytes] : [String, String];
  const rows: [string, string][] = "folder" in status
    ? [["folder", status.folder], ["owner", status.owner ?? "nobody"]]
    : serverRows(status, { count, bytes });
  for (const what of ["topics", "partitions", "segments", "records"] as const) {
    rows.push([what, count(status[what])]);
  }
  rows.push(["bytes", bytes(status.bytes)]);
  rows.push(...status.recovered.map((found): [string, string] => ["recovered", recovery(found)]));
  rows.push(
    ...status.failed.map((
      { topic, reason },
    ): [string, string] => ["failed", `${topic}: ${reason}`]),
  );
  await writeRows(output, { headings: ["WHAT", "VALUE"], rows });
}

interface Amounts {
  readonly count: (n: number) => string;
  readonly bytes: (n: number) => string;
}

function serverRows(status: ServerStatus, { count, bytes }: Amounts): [string, string][] {
  const since = new Date(Date.now() - status.uptimeSeconds * 1000).toISOString();
  return [
    ["version", status.version],
    ["role", status.role],
    ["volume-id", status.volumeId],
    ["pid", String(status.pid)],
    ["since", since.replace(/\.\d+Z$/, "Z")],
    ["writes", status.canWrite ? "yes" : "no"],
    ["connections", count(status.connections)],
    ["followers", count(status.followers)],
    ["memory", bytes(status.residentBytes)],
  ];
}

function recovery({ topic, partition, bytes, path }: RecoveredPartition): string {
  return `${topic} partition ${partition}: ${bytes} bytes at its end that are no whole append; kept in ${path}`;
}
