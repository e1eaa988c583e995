/**
 * What a request that becomes several batches has appended so far.
 *
 * @module
 */
import type { AppendResult } from "../core/backend.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { Metrics } from "./metrics/metrics.ts";

/** Collects the results of appends, by partition. */
export class AppendProgress {
  readonly #results = new Map<number, AppendResult & { readonly records: number }>();
  readonly #metrics: Metrics;
  #records = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Records appended so far. */
  get records(): number {
    return this.#records;
  }

  add(result: AppendResult): void {
    const records = result.end - result.start;
    this.#records += records;
    this.#metrics.appended(records);
    const before = this.#results.get(result.partition);
    const durable = result.durable && (before?.durable ?? true);
    const start = before?.start ?? result.start;
    const total = records + (before?.records ?? 0);
    this.#results.set(result.partition, { ...result, start, durable, records: total });
  }

  /**
   * The answer: one place, or a list where several partitions were appended to. Between the first
   * offset and the last may be records of others, so their number is told, too.
   */
  answer(topic: string): unknown {
    const results = [...this.#results.values()].sort((a, b) => a.partition - b.partition);
    const places = results.map(({ partition, start, end, durable, records }) => ({
      partition,
      start,
      end,
      durable,
      records,
    }));
    return places.length === 1 ? { topic, ...places[0]! } : { topic, partitions: places };
  }

  /** The error with word of what was appended before it. */
  explain(error: unknown, place: Readonly<Record<string, number>>): SeglogError {
    const known = error instanceof SeglogError ? error : undefined;
    const where = Object.entries(place).map(([name, value]) => `${name} ${value}`).join(", ");
    const code = known?.code ?? "internal";
    const what = known === undefined ? "The server failed to append" : messageOf(error);
    const before = this.#records === 1 ? "1 record was" : `${this.#records} records were`;
    return new SeglogError(
      code,
      `${what} (${where}; ${before} appended before it)`,
      { cause: error, details: { ...known?.details, ...place, appended: this.#records } },
    );
  }
}

/** Where records went, as it is told. */
export function appendAnswer(result: AppendResult): unknown {
  const { topic, partition, start, end, durable } = result;
  return { topic, partition, start, end, durable };
}
