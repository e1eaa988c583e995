/**
 * Who waits for a copy to reach an offset.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Waits by topic and partition. */
export class Arrivals {
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** Resolves when {@linkcode Arrivals.reached} tells of the offset, or of a later one. */
  wait(topic: string, partition: number, offset: number, signal?: AbortSignal): Promise<void> {
    const key = keyOf(topic, partition);
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const settle = (end: () => void) => () => {
        signal?.removeEventListener("abort", abort);
        all.delete(waiter);
        if (all.size === 0 && this.#waiters.get(key) === all) this.#waiters.delete(key);
        end();
      };
      const abort = settle(() => reject(signal!.reason));
      const waiter: Waiter = {
        offset,
        resolve: settle(resolve),
        reject: (error) => settle(() => reject(error))(),
      };
      const all = this.#waiters.get(key) ?? new Set<Waiter>();
      this.#waiters.set(key, all.add(waiter));
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** The copy ends at `nextOffset` now. */
  reached(topic: string, partition: number, nextOffset: number): void {
    for (const waiter of [...this.#waiters.get(keyOf(topic, partition)) ?? []]) {
      if (waiter.offset <= nextOffset) waiter.resolve();
    }
  }

  /** Nothing will come any more; to everybody unless a topic is given. */
  fail(error: SeglogError, topic?: string): void {
    for (const [key, waiters] of [...this.#waiters]) {
      if (topic !== undefined && topicOf(key) !== topic) continue;
      for (const waiter of [...waiters]) waiter.reject(error);
    }
  }
}

function keyOf(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}

function topicOf(key: string): string {
  return key.slice(key.indexOf(" ") + 1);
}
