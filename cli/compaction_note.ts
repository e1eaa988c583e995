/**
 * What a compaction did, in a line for people.
 *
 * @module
 */
import type { CompactResult } from "../core/backend.ts";
import { countOf, formatBytes, formatCount } from "./units.ts";

/** Records, segments and space. */
export function compactionNote(
  { records, segments, skipped, bytes }: Omit<CompactResult, "topic">,
): string {
  if (segments === 0) return "nothing was to be removed";
  const space = bytes >= 0 ? `${formatBytes(bytes)} less` : `${formatBytes(-bytes)} more`;
  return `removed ${countOf(records, "record")}, ${space} on disk: ${
    countOf(segments, "segment")
  } written anew, ${formatCount(skipped)} left as they were`;
}
