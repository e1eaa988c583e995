/** Backends that break a promise now and then, for the checker to find out, and one that breaks none. */
import {
  type AppendOptions,
  type AppendResult,
  type Backend,
  type BatchView,
  type Bounds,
  SeglogError,
} from "../../../mod.ts";
import { changedBackend } from "../../support/changed_backend.ts";
import { logRecord } from "../../support/log_record.ts";
import { Random } from "../../support/random.ts";

export type Fault = (backend: Backend) => Backend;

/** Whether it is the turn of this call: of every so-manieth. */
function everyNth(count: number): () => boolean {
  let calls = 0;
  return () => ++calls % count === 0;
}

function unknown(): SeglogError {
  return new SeglogError("outcome-unknown", "Cannot tell: the connection was lost");
}

/** Ends appends as unknown, made or not, and refuses some: all of that is allowed. */
export const breaksOff = (seed: number): Fault => (backend) => {
  const random = new Random(seed);
  const breaking = async (append: () => Promise<AppendResult>): Promise<AppendResult> => {
    const die = random.below(20);
    if (die === 0) throw new SeglogError("unavailable", "Cannot append: nobody is there");
    if (die === 1) throw unknown();
    const result = await append();
    if (die < 5) throw unknown();
    return result;
  };
  return changedBackend(backend, {
    reserve: undefined,
    append: (...args) => breaking(() => backend.append(...args)),
    appendBatch: (...args) => breaking(() => backend.appendBatch(...args)),
  } as Partial<Backend>);
};

export const losesAcknowledged: Fault = (backend) => {
  const isDue = everyNth(20);
  return changedBackend(backend, {
    append: async (topic, records, options) => {
      const result = await backend.append(topic, records, options);
      const { partition, start } = result;
      if (start > 0 && isDue()) await backend.truncate(topic, { partition, after: start - 1 });
      return result;
    },
  });
};

export const makesRetriesTwice: Fault = (backend) => {
  const isDue = everyNth(10);
  return changedBackend(backend, {
    append: async (topic, records, { producer, ...options }: AppendOptions = {}) => {
      const result = await backend.append(topic, records, options);
      if (producer !== undefined && isDue()) throw unknown();
      return result;
    },
  });
};

export const appendsAnywhere: Fault = (backend) =>
  changedBackend(backend, {
    append: (topic, records, { expectedOffset: _, ...options }: AppendOptions = {}) =>
      backend.append(topic, records, options),
  });

export const appendsWhatItRefuses: Fault = (backend) => {
  const isDue = everyNth(20);
  return changedBackend(backend, {
    append: async (topic, records, options) => {
      const result = await backend.append(topic, records, options);
      if (isDue()) throw new SeglogError("overloaded", "Cannot append: too much waits");
      return result;
    },
  });
};

export const tearsAppends: Fault = (backend) => {
  const isDue = everyNth(10);
  return changedBackend(backend, {
    append: async (topic, records, options) => {
      if (records.length === 1 || !isDue()) return await backend.append(topic, records, options);
      await backend.append(topic, records.slice(1), options);
      throw unknown();
    },
  });
};

export const swapsRecords: Fault = (backend) => {
  const isDue = everyNth(15);
  return changedBackend(backend, {
    read: async (topic, offset, partition) => {
      const record = await backend.read(topic, offset, partition);
      if (offset === 0 || !isDue()) return record;
      const other = await backend.read(topic, offset - 1, partition).catch(() => record);
      const { key, timestamp, type, value, headers } = other;
      return logRecord({ offset, key, timestamp, type, value, headers });
    },
  });
};

export const readsOldBounds: Fault = (backend) => {
  const isDue = everyNth(10);
  const first = new Map<string, Bounds>();
  return changedBackend(backend, {
    bounds: async (topic, partition = 0) => {
      const bounds = await backend.bounds(topic, partition);
      const key = `${topic}/${partition}`;
      if (!first.has(key)) first.set(key, bounds);
      return isDue() ? first.get(key)! : bounds;
    },
  });
};

export const endsReadsEarly: Fault = (backend) => {
  const isDue = everyNth(10);
  return changedBackend(backend, {
    async *batches(topic, options) {
      if (options?.follow || !isDue()) return yield* backend.batches(topic, options);
      let held: BatchView | undefined;
      for await (const batch of backend.batches(topic, options)) {
        if (held !== undefined) yield held;
        held = batch;
      }
    },
  });
};

export const passesOverRecords: Fault = (backend) => {
  const isDue = everyNth(50);
  return changedBackend(backend, {
    async *batches(topic, options) {
      for await (const batch of backend.batches(topic, options)) if (!isDue()) yield batch;
    },
  });
};

export const keepsWhatItTruncates: Fault = (backend) =>
  changedBackend(backend, { truncate: (topic, { partition }) => backend.bounds(topic, partition) });

export const neverAnswers: Fault = (backend) => {
  const isDue = everyNth(20);
  return changedBackend(backend, {
    append: (...args) => isDue() ? new Promise(() => {}) : backend.append(...args),
  });
};

/** Of a transaction, only the first write is there. */
export const tearsTransactions: Fault = (backend) => {
  const isDue = everyNth(10);
  return changedBackend(backend, {
    reserve: undefined,
    appendBatch: async (topic, batch, options) => {
      if (batch.header.recordCount === 1 || !isDue()) {
        return await backend.appendBatch(topic, batch, options);
      }
      const { key, value, type } = [...batch.records()][0]!;
      await backend.append(topic, [{ key, value, type }], options);
      throw unknown();
    },
  } as Partial<Backend>);
};

/** Nobody is ever overtaken. */
export const commitsAnyway: Fault = (backend) =>
  changedBackend(backend, {
    reserve: undefined,
    appendBatch: (topic, batch, { expectedOffset: _, ...options } = {}) =>
      backend.appendBatch(topic, batch, options),
  } as Partial<Backend>);

/** Commits that are there, and of which it is said that they are not. */
export const commitsWhatItRefuses: Fault = (backend) => {
  const isDue = everyNth(10);
  return changedBackend(backend, {
    reserve: undefined,
    appendBatch: async (topic, batch, options) => {
      const result = await backend.appendBatch(topic, batch, options);
      if (isDue()) throw new SeglogError("unavailable", "Cannot append: nobody is there");
      return result;
    },
  } as Partial<Backend>);
};
