/**
 * Appends a body of encoded batches: the fast path.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { jsonAnswer } from "./answers.ts";
import { appendOptions } from "./append_options.ts";
import { AppendProgress } from "./append_progress.ts";
import { checkedBatches } from "./batch_check.ts";
import type { Exchange } from "./exchange.ts";

/**
 * All batches are checked before the first is appended. Each is atomic; a condition holds for the
 * first, and the others must follow it without a gap.
 */
export function appendBatches(exchange: Exchange): Promise<Response> {
  const { topic, backend, services } = exchange;
  const { producer, ...options } = appendOptions(exchange, exchange.query("partition"));
  if (producer !== undefined) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot use the Producer headers with encoded batches: a batch has its producer inside",
    );
  }
  return exchange.body(services.limits.bodyBytesMax, async (body) => {
    const batches = await checkedBatches(body, services.turn);
    const progress = new AppendProgress(services.metrics);
    let expectedOffset = options.expectedOffset;
    for (const [index, batch] of batches.entries()) {
      try {
        const result = await backend.appendBatch(topic, batch, { ...options, expectedOffset });
        progress.add(result);
        if (expectedOffset !== undefined) expectedOffset = result.end;
        batch.forget();
      } catch (error) {
        if (batches.length === 1) throw error;
        throw progress.explain(error, { batch: index });
      }
    }
    return jsonAnswer(progress.answer(topic));
  });
}
