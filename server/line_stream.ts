/**
 * An answer of one JSON text a line, streamed.
 *
 * @module
 */
import { demandCurrent } from "./access/credentials_ended.ts";
import { AS_TYPED } from "./answers.ts";
import { encodeUtf8 } from "../core/base/bytes.ts";
import type { Exchange } from "./exchange.ts";
import { NDJSON_TYPE } from "./media_types.ts";
import { streamFailed } from "./fault.ts";
import { problemJson } from "./problem.ts";
import { streamOf } from "./streaming.ts";

/**
 * Streams lines. What fails before the first of them is answered as an error; later the stream ends
 * with a line `{"error":…}` and the connection is cut, so that nobody takes it for the whole.
 *
 * @param lines whole lines, as many at a time as are worth sending
 */
export async function lineStream(
  exchange: Exchange,
  lines: AsyncGenerator<Uint8Array, void, undefined>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const first = await lines.next();
  const leaving = new AbortController();
  const body = streamOf(withFirst(first, lines, { exchange, leaving: leaving.signal }), () => {
    leaving.abort();
    void lines.return();
  });
  return new Response(body, { headers: { "content-type": NDJSON_TYPE, ...AS_TYPED, ...headers } });
}

async function* withFirst(
  first: IteratorResult<Uint8Array, void>,
  rest: AsyncGenerator<Uint8Array, void, undefined>,
  { exchange, leaving }: { exchange: Exchange; leaving: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { cut } = exchange;
  if (first.done) return;
  try {
    yield first.value;
    for await (const lines of rest) {
      demandCurrent(exchange.visitor);
      yield lines;
    }
  } catch (error) {
    streamFailed(exchange, error);
    yield encodeUtf8(`{"error":${problemJson(error)}}\n`);
    if (cut === undefined) throw error;
    // Ending the stream would end the answer well, and failing it would lose what is on its way.
    cut();
    if (leaving.aborted) return;
    await new Promise((resolve) => leaving.addEventListener("abort", resolve, { once: true }));
  }
}
