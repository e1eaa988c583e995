/** A source whose batches come when the test lets them. */
import type { Backend, BatchView, ReadOptions } from "../../mod.ts";
import { changedBackend } from "../support/changed_backend.ts";

/** Holds back what readers of a backend get; appends and bounds are as they are. */
export class HeldSource {
  readonly backend: Backend;
  #gate = Promise.withResolvers<void>();
  #isHeld = false;
  readonly #waited = Promise.withResolvers<void>();

  constructor(backend: Backend) {
    const wait = (signal?: AbortSignal) => this.#open(signal);
    async function* batches(topic: string, options: ReadOptions = {}): AsyncGenerator<BatchView> {
      for await (const batch of backend.batches(topic, options)) {
        await wait(options.signal);
        if (options.signal?.aborted) return;
        yield batch;
      }
    }
    this.backend = changedBackend(backend, { batches });
  }

  /** Resolves when something was held back for the first time. */
  get waited(): Promise<void> {
    return this.#waited.promise;
  }

  /** From now on nothing comes. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#gate = Promise.withResolvers();
  }

  /** Everything comes again. */
  release(): void {
    this.#isHeld = false;
    this.#gate.resolve();
  }

  async #open(signal?: AbortSignal): Promise<void> {
    if (!this.#isHeld || signal?.aborted) return;
    this.#waited.resolve();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([this.#gate.promise, ended]);
  }
}
