/**
 * Streamed answers: pulled by the client, so that a slow one is never written to faster than it
 * reads.
 *
 * @module
 */
import { encodeUtf8 } from "../core/base/bytes.ts";

/**
 * A body of the texts that `source` yields.
 *
 * @param source its `finally` runs when the client goes away, too
 * @param onCancel called then, to end a wait that `source` is in
 */
export function textStream(
  source: AsyncGenerator<string, void, undefined>,
  onCancel: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(encodeUtf8(value));
    },
    async cancel() {
      onCancel();
      await source.return();
    },
  }, { highWaterMark: 0 });
}
