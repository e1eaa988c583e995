/**
 * Takes encoded appends to the active segment: by runs that fit into it, each one positional write,
 * rolling in between, and where offsets are passed over.
 *
 * @module
 */
import { BATCH_OFFSETS_MAX } from "../base/limits.ts";
import type { BuiltBatch } from "../format/batch_builder.ts";
import { encodeBatchHeader } from "../format/batch_header.ts";
import type { AppendWork } from "./append_queue.ts";
import type { Skip } from "./gaps.ts";
import type { OwnedState } from "./owned_state.ts";

/** When and how to go on in another segment. */
export interface Rolling {
  /** Bytes that a segment may have. */
  readonly segmentBytes: number;
  /** Whether the active one is old enough to be sealed. */
  readonly isAged: () => boolean;
  /** Seals the active one, and begins another, behind the offsets that are passed over. */
  readonly roll: (skip?: Skip) => Promise<void>;
}

/** Writes all of it, in order. When it throws, the end of the active segment tells what was written. */
export async function writeWork(
  state: OwnedState,
  work: AppendWork,
  rolling: Rolling,
): Promise<void> {
  // What readers will miss is told before anything comes that was compacted elsewhere.
  const compacted = work.batches.findLast(({ header }) =>
    header.recordCount <= header.lastOffsetDelta
  );
  if (compacted !== undefined) await state.noteCompacted(endOf(compacted));
  const skips = [...work.skips];
  let run: BuiltBatch[] = [];
  const roll = async (skip?: Skip) => {
    writeRun(state, work, run);
    run = [];
    await rolling.roll(skip);
  };
  for (const batch of work.batches) {
    while (skips[0] !== undefined && skips[0].end <= batch.header.baseOffset) {
      await roll(skips.shift());
    }
    if (mustRoll(state, { first: run[0], batch }, rolling)) await roll();
    run.push(batch);
  }
  writeRun(state, work, run);
  for (const skip of skips) await rolling.roll(skip);
}

/** @param next the batch to be written, and the first of those that go before it, if any do */
function mustRoll(
  { active }: OwnedState,
  next: { readonly first: BuiltBatch | undefined; readonly batch: BuiltBatch },
  { segmentBytes, isAged }: Rolling,
): boolean {
  const { first, batch } = next;
  if (active.isEmpty && first === undefined) return false;
  const bytes = batch.end - (first ?? batch).start;
  const isFull = active.written.bytes + bytes > segmentBytes ||
    endOf(batch) - active.baseOffset > BATCH_OFFSETS_MAX;
  return isFull || isAged();
}

function writeRun(state: OwnedState, work: AppendWork, run: readonly BuiltBatch[]): void {
  if (run.length === 0) return;
  const { active, durableBytes, epoch } = state;
  const bytes = work.buffer.subarray(run[0]!.start, run.at(-1)!.end);
  for (const { start, header } of run) {
    const placed = { ...header, durableUpTo: durableBytes, epoch };
    encodeBatchHeader(bytes, start - run[0]!.start, placed, active.salt);
  }
  try {
    active.write(bytes, run.map(({ header, start, end }) => ({ header, length: end - start })));
  } catch (error) {
    try {
      active.cutBack();
    } catch (cause) {
      throw state.poison("a write failed and could not be taken back", cause);
    }
    throw error;
  }
}

/** The offset after the last that a batch covers. */
function endOf({ header }: BuiltBatch): number {
  return header.baseOffset + header.lastOffsetDelta + 1;
}
