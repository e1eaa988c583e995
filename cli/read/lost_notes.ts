/**
 * Says on standard error that records were lost, where reading passes them.
 *
 * @module
 */
import { formatOffsets } from "../append/offset_runs.ts";
import type { Output } from "../output.ts";
import type { OnLost } from "./merge.ts";

/** A line for each range of offsets of a topic that a repair gave up. */
export function lostNotes(output: Output, topic: string): OnLost {
  return ({ partition }) => (lost) => {
    const place = partition === 0 ? `"${topic}"` : `"${topic}" partition ${partition}`;
    const isOne = lost.end === lost.start + 1;
    output.note(
      `seglog: ${isOne ? "offset" : "offsets"} ${formatOffsets(lost)} of ${place} ` +
        `${isOne ? "was" : "were"} lost, and given up by a repair`,
    );
  };
}
