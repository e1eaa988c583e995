/**
 * How often records were taken away from the end of a source, as far as its replica knows: noted
 * beside the topic, so that a truncation that happened while nobody followed is seen.
 *
 * @module
 */
import type { Backend, TopicDetails } from "../core/backend.ts";
import { decodeUtf8, encodeUtf8 } from "../core/base/bytes.ts";

const HINT = "replica";
const HINT_BYTES_MAX = 64 * 1024;

/** The counts by partition; `undefined` where none were noted. */
export function seenTruncations(local: Backend, topic: string): number[] | undefined {
  const hint = local.hints?.open(topic, HINT);
  if (hint === undefined) return undefined;
  try {
    const bytes = new Uint8Array(Math.min(hint.size(), HINT_BYTES_MAX));
    const told: unknown = JSON.parse(decodeUtf8(bytes.subarray(0, hint.read(bytes, 0))));
    return Array.isArray(told) && told.every(Number.isSafeInteger) ? told : undefined;
  } catch {
    return undefined; // a hint may be damaged
  } finally {
    hint.close();
  }
}

/** Notes the counts by partition. Where there is no place for them, nothing is noted. */
export async function noteTruncations(
  local: Backend,
  topic: string,
  counts: readonly number[],
): Promise<void> {
  await local.hints?.keep(topic, HINT, [encodeUtf8(JSON.stringify(counts))]);
}

/** How often records were taken from the end of each partition. */
export function truncationsOf({ partitions }: TopicDetails): number[] {
  return partitions.map(({ truncations }) => truncations);
}
