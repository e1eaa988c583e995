/**
 * Waiting for records that are not there yet.
 *
 * @module
 */
import type { BatchView } from "../core/format/batch.ts";
import { demandCurrent } from "./access/credentials_ended.ts";
import type { Exchange } from "./exchange.ts";
import { patience } from "./patience.ts";
import type { ReadRange } from "./read_range.ts";

/** Who waits, and for how long at the most. */
export type Waiting = Pick<Exchange, "visitor" | "services"> & {
  readonly request: Pick<Request, "signal">;
};

/**
 * Batches from `from` on as they come, until `range.waitMs` is over, the client has gone or the
 * server stops; then it ends quietly.
 *
 * @throws {SeglogError} `unauthenticated` when the credentials end meanwhile
 */
export async function* arrivals(
  { visitor, request, services }: Waiting,
  range: ReadRange,
  from: number,
): AsyncGenerator<BatchView, void, undefined> {
  const { topic, partition, untilAsked, waitMs, key } = range;
  if (waitMs === 0 || (untilAsked !== undefined && from >= untilAsked)) return;
  const waiting = patience([request.signal, services.stopping, visitor.ended], waitMs);
  try {
    const follow = {
      partition,
      from,
      until: untilAsked,
      key,
      follow: true,
      signal: waiting.signal,
    };
    yield* visitor.backend.batches(topic, follow);
    demandCurrent(visitor);
  } finally {
    waiting.release();
  }
}
