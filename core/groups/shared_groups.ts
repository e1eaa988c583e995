/**
 * The groups of a backend, whoever asks for them: where nobody else coordinates them, all of a process
 * share one coordinator.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import type { Groups } from "../group_contract.ts";
import { type CoordinatorOptions, GroupCoordinator } from "./coordinator.ts";

/** Groups that stay open until they are released. */
export interface HeldGroups<Kind extends Groups = Groups> extends AsyncDisposable {
  /** The groups. */
  readonly groups: Kind;
  /** Lets go of them; the last one closes them. */
  release(): Promise<void>;
}

interface Shared {
  readonly groups: GroupCoordinator;
  users: number;
}

const byBackend = new WeakMap<Backend, Shared>();
/** Coordinators that finish what they have begun: the next one is not to miss it. */
const closings = new WeakMap<Backend, Promise<void>>();

/**
 * The groups of a backend: the server's, or those that this process coordinates for as long as
 * somebody holds them.
 *
 * @example
 * ```ts
 * import { holdGroups, Store } from "seglog";
 *
 * await using backend = await Store.memory(); // or connect("http://127.0.0.1:8080")
 * await backend.append("orders", [{ value: "a" }, { value: "b" }]);
 *
 * await using held = holdGroups(backend);
 * await held.groups.seek("billing", { topic: "orders", to: "1" });
 * const [group] = await held.groups.list();
 * console.assert(group?.group === "billing" && group.lag === 1);
 * ```
 */
export function holdGroups(backend: Backend, options: CoordinatorOptions = {}): HeldGroups {
  const { groups } = backend;
  if (groups !== undefined) {
    const release = () => Promise.resolve();
    return { groups, release, [Symbol.asyncDispose]: release };
  }
  return holdCoordinator(backend, options);
}

/** The coordinator of a backend's groups in this process; the first to ask says how it is made. */
export function holdCoordinator(
  backend: Backend,
  options: CoordinatorOptions = {},
): HeldGroups<GroupCoordinator> {
  const after = closings.get(backend);
  const made = () =>
    new GroupCoordinator(backend, after === undefined ? options : { ...options, after });
  const shared = byBackend.get(backend) ?? { groups: made(), users: 0 };
  byBackend.set(backend, shared);
  shared.users++;
  let isReleased = false;
  const release = async () => {
    if (isReleased) return;
    isReleased = true;
    shared.users--;
    if (shared.users > 0) return;
    byBackend.delete(backend);
    const closing = shared.groups.close();
    closings.set(backend, closing.catch(() => {}));
    await closing;
  };
  return { groups: shared.groups, release, [Symbol.asyncDispose]: release };
}
