/**
 * What this server keeps of blobs, measured: for the small API's own health and metrics.
 *
 * @module
 */
import { isNotFound } from "../core/base/errors.ts";
import process from "node:process";
import type { PartitionInfo } from "../core/backend.ts";
import { maySee } from "./access/principal.ts";
import { BLOBS_BUCKET } from "./blobs.ts";
import type { Exchange, Services } from "./exchange.ts";
import { BUCKET_WAIT_MS } from "./limits.ts";
import { settledWithin } from "./patience.ts";

const MIB = 1024 * 1024;

/** Sizes in bytes are those on disk, but for the average. */
export interface VolumeFacts {
  readonly volume_id: string;
  readonly uptime_secs: number;
  /** `null` while the bucket is still being read, or where it cannot be. */
  readonly total_keys: number | null;
  readonly total_segments: number;
  readonly total_bytes: number;
  readonly total_mb: number;
  /** The first offset of the segment that is written to; `null` where the backend does not tell. */
  readonly active_segment_id: number | null;
  /** The first offset of the first segment, likewise. */
  readonly oldest_segment_id: number | null;
  /** Of the values that keys have; `null` as the keys. */
  readonly avg_value_size_bytes: number | null;
}

/** Looks, makes nothing, and waits for no more than a second. Without blobs all is zero. */
export async function volumeFacts(exchange: Exchange): Promise<VolumeFacts> {
  const [partition, values] = await Promise.all([measured(exchange), counted(exchange)]);
  const { bytes = 0, segments = 0 } = partition ?? {};
  const segment = (offset: number | undefined) => partition === undefined ? 0 : offset ?? null;
  return {
    ...identity(exchange.services),
    total_keys: values === undefined ? null : values.keys,
    total_segments: segments,
    total_bytes: bytes,
    total_mb: Math.round(bytes / MIB * 1000) / 1000,
    active_segment_id: segment(partition?.activeSegment),
    oldest_segment_id: segment(partition?.oldestSegment),
    avg_value_size_bytes: values === undefined
      ? null
      : Math.round(values.valueBytes / Math.max(1, values.keys)),
  };
}

/** What this server is called, and since when it runs. */
export function identity(
  { volumeId }: Services,
): Pick<VolumeFacts, "volume_id" | "uptime_secs"> {
  return { volume_id: volumeId, uptime_secs: Math.round(process.uptime()) };
}

async function measured({ backend, principal }: Exchange): Promise<PartitionInfo | undefined> {
  if (!maySee(principal, BLOBS_BUCKET)) return undefined;
  try {
    return (await backend.describeTopic(BLOBS_BUCKET)).partitions[0];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** `undefined` is not known; the bucket is opened all the same, for the next time. */
async function counted(
  { tenant: { buckets }, services: { clock }, principal }: Exchange,
): Promise<{ keys: number; valueBytes: number } | undefined> {
  if (!maySee(principal, BLOBS_BUCKET)) return undefined;
  const counting = buckets.use(BLOBS_BUCKET, { create: false }, (kv) => kv.stats());
  try {
    return await settledWithin(counting, BUCKET_WAIT_MS, clock);
  } catch (error) {
    return isNotFound(error) ? { keys: 0, valueBytes: 0 } : undefined;
  }
}
