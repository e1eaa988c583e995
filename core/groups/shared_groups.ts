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
export interface HeldGroups<Kind extends Groups = Groups> {
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

/** The groups of a backend: the server's, or those that this process coordinates. */
export function holdGroups(backend: Backend, options: CoordinatorOptions = {}): HeldGroups {
  const { groups } = backend;
  if (groups !== undefined) return { groups, release: () => Promise.resolve() };
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
  return {
    groups: shared.groups,
    async release() {
      if (isReleased) return;
      isReleased = true;
      shared.users--;
      if (shared.users > 0) return;
      byBackend.delete(backend);
      const closing = shared.groups.close();
      closings.set(backend, closing.catch(() => {}));
      await closing;
    },
  };
}
