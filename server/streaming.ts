/**
 * Streamed answers: pulled by the client, so that a slow one is never written to faster than it
 * reads.
 *
 * @module
 */
/**
 * A body of the pieces that `source` yields.
 *
 * @param source its `finally` runs when the client goes away, too
 * @param onCancel called then, to end a wait that `source` is in
 */
export function streamOf(
  source: AsyncGenerator<Uint8Array, void, undefined>,
  onCancel: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      onCancel();
      await source.return();
    },
  }, { highWaterMark: 0 });
}
