/** A backend whose appends a test answers, one by one. */
import { type AppendResult, type Backend, type BatchView, Store } from "../../mod.ts";

/** An append that waits for the test. */
export interface HeldAppend {
  readonly partition: number;
  readonly batch: BatchView;
  /** Makes it in the store, and answers. */
  make(): Promise<void>;
  /** Answers with an error, and makes nothing. */
  fail(error: Error): void;
  /** Makes it in the store, and answers with an error all the same. */
  lose(error: Error): Promise<void>;
}

export interface HeldBackend extends AsyncDisposable {
  readonly backend: Backend;
  readonly store: Store;
  /** Appends that wait, in the order in which they came. */
  readonly held: HeldAppend[];
  /** The next append, when it comes. */
  next(): Promise<HeldAppend>;
}

export async function heldBackend(
  config: { readonly partitions?: number } = {},
): Promise<HeldBackend> {
  const store = await Store.memory();
  await store.ensureTopic("orders", config);
  const held: HeldAppend[] = [];
  const waiting: ((append: HeldAppend) => void)[] = [];
  const appendBatch: Backend["appendBatch"] = (topic, batch, options) => {
    const { promise, resolve, reject } = Promise.withResolvers<AppendResult>();
    const append: HeldAppend = {
      partition: options?.partition ?? 0,
      batch,
      make: () => store.appendBatch(topic, batch, options).then(resolve, reject),
      fail: reject,
      async lose(error) {
        await store.appendBatch(topic, batch, options);
        reject(error);
      },
    };
    const taker = waiting.shift();
    if (taker === undefined) held.push(append);
    else taker(append);
    return promise;
  };
  const backend = new Proxy<Backend>(store, {
    get(target, name) {
      if (name === "appendBatch") return appendBatch;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    backend,
    store,
    held,
    next() {
      const append = held.shift();
      return append === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(append);
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** The texts of a batch's records. */
export function textsOf(batch: BatchView): string[] {
  return Array.from(batch.records(), ({ text }) => text);
}
