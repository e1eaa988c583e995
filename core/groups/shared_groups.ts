/**
 * The groups of a backend, whoever asks for them: where nobody else coordinates them, all of a process
 * share one coordinator. Where several processes have the topics, each stands for coordinating, and
 * asks whoever does.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import type { Election } from "../election_contract.ts";
import type { Groups } from "../group_contract.ts";
import { standFor } from "../stand_for.ts";
import { type CoordinatorOptions, GroupCoordinator } from "./coordinator.ts";
import { coordinatorCandidate, GROUPS_DUTY, RoutedGroups } from "./routed_groups.ts";

/** Groups that stay open until they are released. */
export interface HeldGroups<Kind extends Groups = Groups> extends AsyncDisposable {
  /** The groups. */
  readonly groups: Kind;
  /** Lets go of them; the last one closes them. */
  release(): Promise<void>;
}

/** Groups with who coordinates them, as far as that is this process. */
export interface OwnGroups extends HeldGroups {
  /** The coordinator, while it is here: what it knows is counted there, and not twice. */
  readonly coordinator: GroupCoordinator | undefined;
}

interface Shared<Kind extends Groups> {
  readonly groups: Kind;
  readonly coordinator: GroupCoordinator | undefined;
  close(): Promise<void>;
  users: number;
}

const coordinators = new WeakMap<Backend, Shared<GroupCoordinator>>();
const routed = new WeakMap<Backend, Shared<RoutedGroups>>();
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
  return holdOwnGroups(backend, options);
}

/** The same, with who coordinates them where that is this process, alone or in its turn. */
export function holdOwnGroups(backend: Backend, options: CoordinatorOptions = {}): OwnGroups {
  const { groups, election } = backend;
  if (groups !== undefined) {
    const release = () => Promise.resolve();
    return { groups, coordinator: undefined, release, [Symbol.asyncDispose]: release };
  }
  if (election === undefined) return holdCoordinator(backend, options);
  return hold(routed, backend, () => stand(backend, election, options));
}

/** The coordinator of a backend's groups in this process; the first to ask says how it is made. */
export function holdCoordinator(
  backend: Backend,
  options: CoordinatorOptions = {},
): HeldGroups<GroupCoordinator> & OwnGroups {
  const after = closings.get(backend);
  return hold(coordinators, backend, () => {
    const made = after === undefined ? options : { ...options, after };
    const groups = new GroupCoordinator(backend, made);
    return {
      groups,
      coordinator: groups,
      async close() {
        const closing = groups.close();
        closings.set(backend, closing.catch(() => {}));
        await closing;
      },
      users: 0,
    };
  });
}

/** Where nothing can be written, it only asks. */
function stand(
  backend: Backend,
  election: Election,
  options: CoordinatorOptions,
): Shared<RoutedGroups> {
  let coordinator: GroupCoordinator | undefined;
  const candidate = coordinatorCandidate(
    () => new GroupCoordinator(backend, options),
    (groups) => coordinator = groups,
  );
  const candidacy = backend.capabilities.canWrite
    ? standFor({ election, following: backend.following }, GROUPS_DUTY, candidate)
    : undefined;
  return {
    groups: new RoutedGroups(election),
    get coordinator() {
      return coordinator;
    },
    close: async () => await candidacy?.close(),
    users: 0,
  };
}

function hold<Kind extends Groups>(
  all: WeakMap<Backend, Shared<Kind>>,
  backend: Backend,
  make: () => Shared<Kind>,
): HeldGroups<Kind> & OwnGroups {
  const shared = all.get(backend) ?? make();
  all.set(backend, shared);
  shared.users++;
  let isReleased = false;
  const release = async () => {
    if (isReleased) return;
    isReleased = true;
    shared.users--;
    if (shared.users > 0) return;
    all.delete(backend);
    await shared.close();
  };
  return {
    groups: shared.groups,
    get coordinator() {
      return shared.coordinator;
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
