/**
 * Reads a range of a log batch by batch, and lets other tasks have their turns.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import { outOfRange } from "../base/offset_errors.ts";
import { endOfTurn } from "../base/turn.ts";
import type { BatchView } from "../format/batch.ts";
import { holdsKey } from "../format/records_of.ts";
import { Cursor } from "./cursor.ts";
import { reverseBatches } from "./reverse.ts";
import type { LogView } from "./view.ts";

/** Which records to read: offsets `[from, until)`. */
export interface LogReadOptions {
  /** First offset; the first readable one unless given. */
  readonly from?: number;
  /** Offset after the last; the end at the time of the call unless given, or none when following. */
  readonly until?: number;
  /** Newest first. Cannot be combined with `follow`. */
  readonly reverse?: boolean;
  /** Wait for records to come instead of stopping at the end. */
  readonly follow?: boolean;
  /** Only batches that hold a record with this key; segments that surely do not are not read. */
  readonly key?: Uint8Array;
  /** Ends the reading quietly, waiting included. */
  readonly signal?: AbortSignal;
}

/** Bytes that are read before other tasks get their turn. */
const BYTES_PER_TURN = 8 * 1024 * 1024;

/** The batches of a range, as `Log.batches` says. */
export async function* readBatches(
  viewOf: () => LogView,
  options: LogReadOptions,
): AsyncGenerator<BatchView, void, undefined> {
  const view = viewOf();
  const { reverse = false, follow = false, key, signal } = options;
  if (reverse && follow) {
    throw new SeglogError("invalid-argument", "Cannot follow a log in reverse");
  }
  const from = options.from ?? view.logStartOffset;
  const isReadable = Number.isSafeInteger(from) && from >= view.logStartOffset &&
    from <= view.nextOffset;
  if (!isReadable) throw outOfRange(view.name, from, view);
  const until = options.until ?? (follow ? Infinity : view.nextOffset);
  if (Number.isNaN(until)) {
    throw new SeglogError("invalid-argument", `Cannot read ${view.name} until offset NaN`);
  }
  const range = { from, until, key };
  const next = reverse ? backwards(view, range) : forwards(view, range);
  let bytes = 0;
  while (!signal?.aborted) {
    const batch = next();
    if (batch !== undefined) {
      if (key === undefined || holdsKey(batch, key)) yield batch;
      bytes += batch.bytes.length;
      if (bytes < BYTES_PER_TURN) continue;
      bytes = 0;
      await endOfTurn();
    } else if (!follow || view.nextOffset >= until) return;
    else await view.changed(signal);
  }
}

interface Range {
  readonly from: number;
  readonly until: number;
  readonly key: Uint8Array | undefined;
}

/** Gives the next batch at each call, and `undefined` where there is none yet. */
function forwards(view: LogView, { from, until, key }: Range): () => BatchView | undefined {
  const cursor = new Cursor(view, from, { key });
  return () => cursor.next(until);
}

function backwards(view: LogView, range: Range): () => BatchView | undefined {
  const batches = reverseBatches(view, range);
  return () => batches.next().value ?? undefined;
}
