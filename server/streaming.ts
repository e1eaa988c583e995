/**
 * Streamed answers: pulled by the client, so that a slow one is never written to faster than it
 * reads.
 *
 * @module
 */
import { type Clock, wakefulClock } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";

/** How long a client may leave a piece unread. */
export interface Blocking {
  readonly ms: number;
  /** Is called when it was unread for longer. @returns whether it cut the connection */
  readonly onBlocked: (error: SeglogError) => boolean;
  readonly clock?: Clock;
}

/**
 * A body of the pieces that `source` yields.
 *
 * @param source its `finally` runs when the client goes away, too
 * @param onCancel called then, to end a wait that `source` is in
 * @param blocking without it a client may take as long as it likes
 */
export function streamOf(
  source: AsyncGenerator<Uint8Array, void, undefined>,
  onCancel: () => void,
  blocking?: Blocking,
): ReadableStream<Uint8Array> {
  const { clock = wakefulClock } = blocking ?? {};
  let cancelTimer = () => {};
  return new ReadableStream({
    async pull(controller) {
      cancelTimer();
      const { done, value } = await source.next();
      if (done) return controller.close();
      controller.enqueue(value);
      if (blocking === undefined) return;
      const { ms, onBlocked } = blocking;
      cancelTimer = clock.after(ms, () => {
        const error = new SeglogError(
          "request-timeout",
          `Cannot send more: the client read nothing for ${ms} ms`,
        );
        if (onBlocked(error)) return;
        controller.error(error);
        onCancel();
        void source.return();
      });
    },
    async cancel() {
      cancelTimer();
      onCancel();
      await source.return();
    },
  }, { highWaterMark: 0 });
}
