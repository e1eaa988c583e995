/** Two nodes over one source, which outlives them. */
import { type Backend, NodeBackend, Store } from "../../mod.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { PATIENCE_MS } from "../support/until.ts";
import { HeldSource } from "./held_source.ts";

/** A node, and what holds its copy back. */
export interface HeldNode {
  readonly node: NodeBackend;
  readonly source: HeldSource;
}

/** Both, and the store that they have as their source. */
export interface TwoNodes extends AsyncDisposable {
  readonly store: Store;
  readonly one: HeldNode;
  readonly other: HeldNode;
}

/** A backend that stays open: closing a node closes its source, and this one is of several. */
export function keptOpen(backend: Backend): Backend {
  return changedBackend(backend, { close: () => Promise.resolve() });
}

export async function openTwoNodes(): Promise<TwoNodes> {
  const store = await Store.memory();
  const open = async () => {
    const source = new HeldSource(keptOpen(store));
    const options = { waitMs: PATIENCE_MS };
    return { source, node: new NodeBackend(source.backend, await Store.memory(), options) };
  };
  const [one, other] = [await open(), await open()];
  return {
    ...{ store, one, other },
    async [Symbol.asyncDispose]() {
      for (const { source, node } of [one, other]) {
        source.release();
        await node.close();
      }
      await store.close();
    },
  };
}
