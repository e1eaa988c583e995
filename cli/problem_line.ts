/**
 * What is wrong with a file, or with a copy, as one line for people.
 *
 * @module
 */
import type { VerifyProblem } from "../core/store/verify_report.ts";
import type { MirrorDifference } from "../replica/verify_mirror.ts";
import { formatOffsets } from "./append/offset_runs.ts";
import type { Output } from "./output.ts";

/** `seglog: damage: data/t-0/….log at position 64 (offsets 0): checksum does not match` */
export function problemLine(output: Output, problem: VerifyProblem): string {
  const { severity, path, position, start, end, message } = problem;
  const at = position === undefined ? "" : ` at position ${position}`;
  const offsets = start === undefined
    ? ""
    : end === undefined
    ? ` (from offset ${start} on)`
    : ` (offsets ${formatOffsets({ start, end })})`;
  const label = output.styleNote(severity === "damage" ? "red" : "yellow", severity);
  return `seglog: ${label}: ${path}${at}${offsets}: ${message}`;
}

/** `seglog: partition 0 of "orders" at offset 7: the records differ` */
export function differenceLine(difference: MirrorDifference): string {
  const { topic, partition, offset, complaint } = difference;
  return `seglog: partition ${partition} of "${topic}" at offset ${offset}: ${complaint}`;
}
