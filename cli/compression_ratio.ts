/**
 * What compression comes to in a topic, by the headers of its newest batches.
 *
 * @module
 */
import type { Backend, TopicDetails } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import { readBatches } from "../core/reading.ts";

/** Enough to go by, and quickly read over a network. */
const BATCHES_MAX = 64;
const BYTES_MAX = 4 * 1024 * 1024;

/**
 * How many times smaller payloads are stored than they were; 1 where that is left as it is.
 *
 * @returns `undefined` when the topic does not compress, or is empty
 */
export async function compressionRatio(
  backend: Backend,
  { name, config, partitions }: TopicDetails,
): Promise<number | undefined> {
  if (config.compression === "none") return undefined;
  const sum = { stored: 0, unpacked: 0 };
  for (const { partition, records } of partitions) {
    if (records > 0) await addNewest(sum, backend, { topic: name, partition });
  }
  return sum.stored === 0 ? undefined : sum.unpacked / sum.stored;
}

async function addNewest(
  sum: { stored: number; unpacked: number },
  backend: Backend,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): Promise<void> {
  let [batches, bytes] = [0, 0];
  try {
    const newest = readBatches(backend, topic, { partition, reverse: true, onLost: () => {} });
    for await (const { header } of newest) {
      sum.stored += header.payloadLength;
      sum.unpacked += header.uncompressedLength;
      bytes += header.payloadLength;
      if (++batches === BATCHES_MAX || bytes >= BYTES_MAX) return;
    }
  } catch (error) {
    // What is damaged is told by whoever reads it; the batches before it say enough.
    if (!(error instanceof SeglogError) || error.code !== "corrupt") throw error;
  }
}
