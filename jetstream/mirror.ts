/**
 * A cluster that takes in what another backend has: topics with their ids, records at their offsets.
 *
 * @module
 */
import type { Bounds } from "../core/backend.ts";
import { outOfRange } from "../core/base/offset_errors.ts";
import type { BatchView } from "../core/format/batch.ts";
import { checkStoredBatch } from "../core/format/check_batch.ts";
import type { GapReason, MirrorPartition } from "../core/mirror_contract.ts";
import type { Partition } from "./jetstream_topic.ts";
import type { LogState } from "./log_state.ts";
import { truncateBefore } from "./truncate.ts";

/** Takes in one partition. */
export class JetStreamMirror implements MirrorPartition {
  readonly #partition: Partition;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  async bounds(): Promise<Bounds> {
    return boundsOf((await this.#partition.stream.tip()).state);
  }

  async append(batch: BatchView): Promise<void> {
    checkStoredBatch(batch);
    await this.#partition.writer.mirror(batch);
  }

  async skipTo(offset: number, reason: GapReason): Promise<void> {
    const { stream, writer } = this.#partition;
    await writer.control((state) => {
      const { logStartOffset: start, nextOffset } = state;
      if (!(Number.isSafeInteger(offset) && offset >= nextOffset)) {
        throw outOfRange(stream.what, offset, state);
      }
      if (offset === nextOffset) return undefined;
      const isEmpty = start === nextOffset; // then the log begins behind what was removed
      const logStartOffset = isEmpty && reason === "removed" ? offset : start;
      return { state: { ...state, nextOffset: offset, logStartOffset }, gap: reason };
    });
  }

  async noteCompacted(offset: number): Promise<void> {
    await this.#partition.writer.control((state) => {
      return offset <= state.compactedTo ? undefined : { state: { ...state, compactedTo: offset } };
    });
  }

  async truncateBefore(offset: number): Promise<void> {
    await truncateBefore(this.#partition.stream, this.#partition.writer, offset);
  }

  async flush(): Promise<void> {
    await this.#partition.writer.settled();
  }
}

/** Where a log starts and ends. What is in a stream was acknowledged by a majority of its servers. */
export function boundsOf({ logStartOffset, nextOffset }: LogState): Bounds {
  return { logStartOffset, durableOffset: nextOffset, nextOffset };
}
