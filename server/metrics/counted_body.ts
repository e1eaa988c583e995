/**
 * A body that passes by and is counted.
 *
 * @module
 */
import { inThisSpan } from "../../tracing/spans.ts";

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
  // Whoever sends the body asks for it outside of the request that it belongs to.
  const read = inThisSpan(() => reader.read());
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await read();
      if (done) return controller.close();
      count(value.length);
      controller.enqueue(value);
    },
    // One that has failed meanwhile has said why.
    cancel: (reason) => reader.cancel(reason).catch(() => {}),
  }, { highWaterMark: 0 });
}
