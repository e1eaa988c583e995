/**
 * A body that passes by and is counted.
 *
 * @module
 */

/**
 * The same bytes, asked for no sooner than they are wanted.
 *
 * @param count is told of the bytes of each piece
 */
export function countedBody(
  body: ReadableStream<Uint8Array>,
  count: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      count(value.length);
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
