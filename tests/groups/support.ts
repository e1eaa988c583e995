/** What tests of groups ask again and again: a backend in process, and one behind a server. */
import { type Backend, connect, type ConsumedBatch, GroupConsumer, Store } from "../../mod.ts";
import type { GroupConsumerOptions } from "../../mod.ts";
import type { Clock } from "../../mod.ts";
import { holdCoordinator } from "../../core/groups/shared_groups.ts";
import { openServer } from "../server/support.ts";

/** A backend, and the store behind it. */
export interface OpenBackend extends AsyncDisposable {
  readonly backend: Backend;
  readonly store: Store;
}

/** Opens what a group consumes: in process, and through a server. The coordinator has this clock. */
export const BACKENDS: Readonly<Record<string, (clock?: Clock) => Promise<OpenBackend>>> = {
  "a store": async (clock) => {
    const store = await Store.memory();
    const held = holdCoordinator(store, clock === undefined ? {} : { clock });
    return {
      backend: store,
      store,
      async [Symbol.asyncDispose]() {
        await held.release();
        await store.close();
      },
    };
  },
  "a server": async (clock) => {
    const opened = await openServer(clock === undefined ? {} : { clock });
    const backend = await connect(opened.url);
    return {
      backend,
      store: opened.store,
      async [Symbol.asyncDispose]() {
        await backend.close();
        await opened[Symbol.asyncDispose]();
      },
    };
  },
};

/** A member of the group "g" that shares the topic "orders". */
export function openMember(
  backend: Backend,
  options: Partial<GroupConsumerOptions> = {},
): Promise<GroupConsumer> {
  return GroupConsumer.open(backend, "g", { topics: ["orders"], ...options });
}

/** Records `start` to `end`, each with its number as its value. */
export function numbers(start: number, end: number): { value: string }[] {
  return Array.from({ length: end - start }, (_, i) => ({ value: `${start + i}` }));
}

/** Reads until there are so many records, or the consumer ends; commits each batch that is done. */
export async function work(
  consumer: GroupConsumer,
  seen: string[],
  count = Infinity,
): Promise<void> {
  if (seen.length >= count) return;
  for await (const batch of consumer) {
    seen.push(...textsOf(batch));
    await consumer.commit(batch);
    if (seen.length >= count) return;
  }
}

/** The values of a batch. */
export function textsOf(batch: ConsumedBatch): string[] {
  return Array.from(batch, ({ text }) => text);
}

/** Lets everything run that does not wait for anything else. */
export const turn = () => new Promise((resolve) => setTimeout(resolve));
