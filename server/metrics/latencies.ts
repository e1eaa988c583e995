/**
 * How long things took, by bucket: what a histogram shows when somebody looks. To note one costs a few
 * additions and no memory, which a histogram of a library with labels does not.
 *
 * @module
 */
import type { Histogram, Registry } from "prom-client";

/** Durations that were noted. */
export class Latencies {
  readonly #bounds: readonly number[];
  /** One more than there are bounds: what is longer than all of them. */
  readonly #counts: Float64Array;
  #seconds = 0;

  /** @param bounds of the buckets in seconds, rising */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Notes one. Most are short, so it is looked for from below. */
  note(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#seconds += seconds;
  }

  /** The samples of a histogram of this name: each bucket holds those below it, too. */
  samples(name: string, labels: Labels): Sample[] {
    let below = 0;
    const buckets = [...this.#bounds, "+Inf"].map((le, i) => {
      below += this.#counts[i]!;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#seconds },
      { metricName: `${name}_count`, labels, value: below },
    ];
  }
}

/** Values of labels by their names. */
type Labels = Readonly<Record<string, string | number>>;

interface Sample {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A histogram that is put together when somebody looks. */
export interface LatencyHistogram {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** What it shows, for each set of labels. */
  readonly shows: () => Iterable<readonly [labels: Labels, latencies: Latencies]>;
}

/** Adds one to a registry. */
export function addHistogram(registry: Registry, histogram: LatencyHistogram): void {
  const { name, help, labelNames, shows } = histogram;
  const about = { name, help, type: "histogram", aggregator: "sum" };
  const metric = {
    ...about,
    labelNames,
    get: () =>
      Promise.resolve({
        ...about,
        values: [...shows()].flatMap(([labels, latencies]) => latencies.samples(name, labels)),
      }),
    reset() {},
  };
  // The registry asks for these members only.
  registry.registerMetric(metric as unknown as Histogram);
}
