/**
 * Many messages of a stream under way at once, and their answers in order.
 *
 * @module
 */

/** How a stream is worked off. */
export interface Pipeline<Input, Output> {
  /** Begins with one message. Called in the order of the messages; it must not reject. */
  readonly start: (input: Input) => Promise<Output>;
  /** Bytes that a message holds in memory. */
  readonly sizeOf: (input: Input) => number;
  /** Messages under way at once. */
  readonly countMax: number;
  /** Bytes of them; one message is always taken. */
  readonly bytesMax: number;
  /** No more messages are taken when it is aborted; those under way are answered. */
  readonly signal: AbortSignal;
}

interface UnderWay<Output> {
  readonly bytes: number;
  readonly answer: Promise<Output>;
}

/** The answers, in the order of the messages. The next message is read only when there is room. */
export async function* pipelined<Input, Output>(
  source: AsyncIterable<Input>,
  { start, sizeOf, countMax, bytesMax, signal }: Pipeline<Input, Output>,
): AsyncGenerator<Output, void, undefined> {
  const messages = source[Symbol.asyncIterator]();
  const underWay: UnderWay<Output>[] = [];
  let bytes = 0;
  let upcoming: Promise<IteratorResult<Input>> | undefined = messages.next();
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    for (;;) {
      const hasRoom = underWay.length < countMax && (underWay.length === 0 || bytes < bytesMax);
      const isReading = upcoming !== undefined && hasRoom && !signal.aborted;
      const events: Promise<IteratorResult<Input> | undefined>[] = [];
      if (underWay.length > 0) events.push(underWay[0]!.answer.then(() => undefined));
      if (isReading) events.push(upcoming!, stopped.then(() => undefined));
      if (events.length === 0) return;
      const came = await Promise.race(events);
      if (came !== undefined) {
        upcoming = came.done ? undefined : messages.next();
        if (came.done) continue;
        const size = sizeOf(came.value);
        underWay.push({ bytes: size, answer: start(came.value) });
        bytes += size;
      } else if (underWay.length > 0) {
        const first = underWay.shift()!;
        bytes -= first.bytes;
        yield await first.answer;
      }
    }
  } finally {
    upcoming?.catch(() => {}); // it ends with the call
  }
}
