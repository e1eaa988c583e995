/**
 * How a producer collects and sends.
 *
 * @module
 */
import { type Clock, wakefulClock } from "../core/base/clock.ts";
import type { SyncMode } from "../core/format/sync_mode.ts";
import { checkWhole } from "./check_whole.ts";

/** How a producer collects and sends. */
export interface ProducerOptions {
  /**
   * How long a batch may wait for more records, in milliseconds, up to a minute; 0 unless given:
   * the records of one turn go together, and those that come while a batch is under way.
   */
  readonly lingerMs?: number;
  /** Bytes at which a batch is full, up to 8 MiB; 1 MiB unless given. */
  readonly batchBytes?: number;
  /** Bytes that are held at most, but for the last record; 32 MiB unless given. */
  readonly bufferBytesMax?: number;
  /** The partition of all records; by the hash of the key, or in turn, unless given. */
  readonly partition?: number;
  /** Acknowledge by this mode instead of the topic's own. */
  readonly sync?: SyncMode;
  /**
   * Names the producer to the log, 1 to 200 bytes of UTF-8; random unless given. The one that was
   * made last with an id takes it over: what an earlier one sends is turned away.
   */
  readonly id?: string;
  /** Higher than that of every earlier producer with the id; made of the time unless given. */
  readonly epoch?: number;
  /** Time; the machine's unless given. */
  readonly clock?: Clock;
}

const MIB = 1024 * 1024;
const LINGER_MS_MAX = 60_000;
/** With one record of the largest size behind it, it is still a batch that any server takes. */
const BATCH_BYTES_MAX = 8 * MIB;
const BATCH_BYTES_DEFAULT = MIB;
const BUFFER_BYTES_DEFAULT = 32 * MIB;

/** The options with defaults for the rest. @throws {SeglogError} `invalid-argument` */
export function checkedOptions(options: ProducerOptions) {
  const {
    lingerMs = 0,
    batchBytes = BATCH_BYTES_DEFAULT,
    bufferBytesMax = BUFFER_BYTES_DEFAULT,
    clock = wakefulClock,
  } = options;
  checkWhole("lingerMs", lingerMs, [0, LINGER_MS_MAX]);
  checkWhole("batchBytes", batchBytes, [1, BATCH_BYTES_MAX]);
  checkWhole("bufferBytesMax", bufferBytesMax, [1, Number.MAX_SAFE_INTEGER]);
  return { ...options, lingerMs, batchBytes, bufferBytesMax, clock };
}
