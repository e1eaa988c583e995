/**
 * What is wrong with a file, as one line for people.
 *
 * @module
 */
import type { VerifyProblem } from "../core/store/verify_report.ts";
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
