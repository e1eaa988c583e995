/**
 * Removes records from the front of a partition. First a message says so, and nobody reads them any
 * more; then those messages are removed that are wholly below. A crash in between leaves them until
 * the next truncation.
 *
 * @module
 */
import { outOfRange } from "../core/base/offset_errors.ts";
import { findOffset } from "./find_offset.ts";
import type { LogState } from "./log_state.ts";
import type { PartitionStream, Tip } from "./partition_stream.ts";
import type { PartitionWriter } from "./partition_writer.ts";
import { producersToKeep } from "./producer_states.ts";

/** Makes `offset` the first readable one. @throws {SeglogError} `offset-out-of-range` */
export async function truncateBefore(
  stream: PartitionStream,
  writer: PartitionWriter,
  offset: number,
): Promise<LogState> {
  await writer.settled(); // what was appended before this call counts
  for (;;) {
    const tip = await stream.tip();
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > tip.state.nextOffset) {
      throw outOfRange(stream.what, offset, tip.state);
    }
    const { logStartOffset } = tip.state;
    if (offset <= logStartOffset) return tip.state;
    const keptFrom = await firstToKeep(stream, tip, offset);
    const data = await producersToKeep(stream, keptFrom);
    // Another truncation may have removed producers while they were looked at: what it kept counts, too.
    let isOvertaken = false;
    await writer.control((state) => {
      isOvertaken = state.logStartOffset !== logStartOffset;
      return isOvertaken ? undefined : { state: { ...state, logStartOffset: offset }, data };
    });
    if (isOvertaken) continue;
    await stream.streams.purge(stream.names.stream, keptFrom);
    return (await stream.tip()).state;
  }
}

/** The number of the first message that something is left of. */
async function firstToKeep(stream: PartitionStream, tip: Tip, offset: number): Promise<number> {
  if (offset === tip.state.nextOffset) return tip.sequence + 1; // the message that says so
  const { sequence, head } = await findOffset(stream, tip, offset);
  return sequence - head.pieces + 1;
}
