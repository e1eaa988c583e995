/**
 * Consumer groups of one backend, kept by the owner of its topics: who the members are is in memory,
 * what they committed is in an internal topic.
 *
 * After a restart nobody is a member. Whoever was joins again, in a generation that is later than all
 * before, and goes on from what was committed.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import {
  GROUP_GENERATIONS_AHEAD,
  GROUP_MEMBERS_MAX,
  GROUP_TOPICS_LOOK_MS,
  GROUPS_MAX,
} from "../base/limits.ts";
import { Mutex } from "../base/mutex.ts";
import type {
  CommitRequest,
  GroupDetails,
  GroupOffset,
  Groups,
  GroupSummary,
  HeartbeatRequest,
  JoinRequest,
  MemberRequest,
  Membership,
  SeekRequest,
  SoughtOffset,
} from "../group_contract.ts";
import { commitOffsets, startPositions } from "./commit.ts";
import { CommittedOffsets } from "./committed_offsets.ts";
import { checkGroupName, checkJoin, inUse, noGroup, noMember } from "./group_checks.ts";
import type { GroupParts } from "./group_parts.ts";
import { GroupState, type KnownTopic, type Member } from "./group_state.ts";
import { type GroupLag, GroupViews, type KnownGroup } from "./group_views.ts";
import { News } from "./news.ts";
import { seekGroup } from "./seek.ts";

/** What a coordinator works with. */
export interface CoordinatorOptions {
  /** Leases end by it; the machine's unless given. */
  readonly clock?: Clock;
  /** Is told, in a sentence, what failed where nobody waited for it. */
  readonly onNotice?: (notice: string) => void;
  /** Settles when a coordinator of the same topics that was before this one is closed. */
  readonly after?: Promise<unknown>;
}

/** A group whose members are known. */
interface OpenGroup extends GroupParts {
  /** One change at a time. */
  readonly mutex: Mutex;
  /** For heartbeats that wait for something to change. */
  readonly news: News;
  /** When it was last seen which topics there are. */
  lookedAt: number;
  /** Ends the timer of the next lease that runs out. */
  cancel: () => void;
}

/** Generations that one change can take. */
const GENERATIONS_EACH = 10;

/** Keeps the groups of a backend. One at a time may do so for the same topics. */
export class GroupCoordinator implements Groups, AsyncDisposable {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #onNotice: (notice: string) => void;
  readonly #after: Promise<unknown> | undefined;
  readonly #groups = new Map<string, OpenGroup>();
  readonly #ending = new AbortController();
  #offsets: Promise<CommittedOffsets> | undefined;

  /** A coordinator for the topics of `backend`, which stays open when this is closed. */
  constructor(backend: Backend, options: CoordinatorOptions = {}) {
    this.#backend = backend;
    this.#clock = options.clock ?? systemClock;
    this.#onNotice = options.onNotice ?? (() => {});
    this.#after = options.after;
  }

  async join(name: string, request: JoinRequest): Promise<Membership> {
    const joining = checkJoin(request);
    return await this.#change(await this.#openGroup(name), async (group) => {
      const { state } = group;
      checkFree(group, request);
      const topics = await this.#topics(new Set([...state.wanted, ...joining.topics]));
      const missing = [...joining.topics].find((topic) => !topics.has(topic));
      if (missing !== undefined) {
        throw new SeglogError(
          "not-found",
          `Cannot join the group "${name}" for "${missing}": there is no such topic`,
        );
      }
      await reserve(group);
      const nowMs = this.#clock.now();
      state.learn(topics, nowMs);
      state.join(joining, nowMs);
      group.lookedAt = nowMs;
      return await told(group, request.member);
    });
  }

  async heartbeat(name: string, request: HeartbeatRequest): Promise<Membership> {
    const { generation, signal } = request;
    const open = this.#memberOf(name, request);
    const signals = [this.#ending.signal, ...signal === undefined ? [] : [signal]];
    const clock = this.#clock;
    const { leaseMs } = memberIn(open, request);
    const until = clock.now() + Math.min(request.waitMs ?? 0, leaseMs / 2);
    for (;;) {
      const { issue } = open.news;
      const membership = await this.#change(open, async (group) => {
        group.state.release(request, clock.now());
        await this.#look(group);
        const isNews = memberIn(group, request).changedIn > generation;
        const isOver = clock.now() >= until || signals.some(({ aborted }) => aborted);
        return isNews || isOver ? await told(group, request.member) : undefined;
      });
      if (membership !== undefined) return membership;
      await open.news.wait(issue, { clock, waitMs: until - clock.now(), signals });
    }
  }

  async leave(name: string, request: MemberRequest): Promise<void> {
    const open = this.#groups.get(name);
    if (open === undefined) return;
    await this.#change(open, ({ state }) => {
      const member = state.member(request.member);
      if (member?.principal === request.principal) state.leave(request.member, this.#clock.now());
    });
  }

  async commit(name: string, request: CommitRequest): Promise<readonly GroupOffset[]> {
    return await this.#change(this.#memberOf(name, request), async (group) => {
      memberIn(group, request);
      return await commitOffsets(group, request);
    });
  }

  async list(): Promise<readonly GroupSummary[]> {
    const views = new GroupViews(this.#backend);
    const summaries: GroupSummary[] = [];
    for (const group of await this.#known()) summaries.push(await views.summary(group));
    return summaries;
  }

  async describe(name: string): Promise<GroupDetails> {
    const group = (await this.#known(name))[0];
    if (group === undefined) throw noGroup(name);
    return await new GroupViews(this.#backend).details(group);
  }

  /** How much each group has not done yet, partition by partition. */
  async lags(): Promise<readonly GroupLag[]> {
    const views = new GroupViews(this.#backend);
    const lags: GroupLag[] = [];
    for (const group of await this.#known()) lags.push(...await views.lags(group));
    return lags;
  }

  async seek(name: string, request: SeekRequest): Promise<readonly SoughtOffset[]> {
    return await this.#change(
      await this.#openGroup(name),
      (group) => seekGroup(group, request),
    );
  }

  async remove(name: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    if ((await this.#known(name)).length === 0) throw noGroup(name);
    await this.#change(await this.#openGroup(name), async ({ state, offsets }) => {
      const { members } = state;
      if (members.length > 0 && !force) throw inUse(`remove the group "${name}"`, members.length);
      for (const { member } of members) state.leave(member, this.#clock.now());
      await offsets.remove(name);
    });
  }

  /** Ends all memberships, and finishes what is being committed. The backend stays open. */
  async close(): Promise<void> {
    this.#ending.abort();
    for (const { cancel, mutex } of this.#groups.values()) {
      cancel();
      await mutex.run(() => {});
    }
    const offsets = await this.#offsets?.catch(() => undefined);
    await offsets?.close();
  }

  /** Closes it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs one change of a group: what ran out meanwhile has run out before it. */
  #change<Result>(
    group: OpenGroup,
    run: (group: OpenGroup) => Result | Promise<Result>,
  ): Promise<Result> {
    const { mutex, state, news } = group;
    return mutex.run(async () => {
      this.#checkOpen();
      if (state.members.length > 0) await reserve(group);
      const before = state.generation;
      try {
        state.expire(this.#clock.now());
        return await run(group);
      } finally {
        if (state.generation > before) news.tell();
        this.#arm(group);
      }
    });
  }

  /** Wakes up when the next lease runs out. */
  #arm(group: OpenGroup): void {
    group.cancel();
    const { deadline } = group.state;
    if (deadline === Infinity || this.#ending.signal.aborted) return;
    group.cancel = this.#clock.after(Math.max(0, deadline - this.#clock.now()), () => {
      this.#change(group, () => {}).catch((error) => {
        if (this.#ending.signal.aborted) return;
        this.#onNotice(`the group "${group.name}" cannot go on: ${messageOf(error)}`);
      });
    });
  }

  /** Sees from time to time whether topics were made anew, or deleted. */
  async #look(group: OpenGroup): Promise<void> {
    const nowMs = this.#clock.now();
    if (nowMs < group.lookedAt + GROUP_TOPICS_LOOK_MS) return;
    group.lookedAt = nowMs;
    const { state, offsets, name } = group;
    const all = await this.#backend.listTopics();
    const ids = new Set(all.map(({ id }) => id));
    const stale = [...offsets.group(name)?.offsets.values() ?? []]
      .filter(({ topicId }) => !ids.has(topicId));
    await offsets.forget(name, stale);
    state.learn(await this.#topics(state.wanted), nowMs);
  }

  /** Those of the topics that are there. */
  async #topics(names: ReadonlySet<string>): Promise<Map<string, KnownTopic>> {
    const found = new Map<string, KnownTopic>();
    for (const { name, id, config } of await this.#backend.listTopics()) {
      if (names.has(name)) found.set(name, { id, partitions: config.partitions });
    }
    return found;
  }

  /** All groups, or the one of a name, as they are now. */
  async #known(name?: string): Promise<KnownGroup[]> {
    if (name !== undefined) checkGroupName(name);
    const offsets = await this.#stored();
    const active = [...this.#groups.values()];
    for (const group of active) await this.#change(group, () => {});
    const names = new Set([
      ...offsets.names,
      ...active.filter(({ state }) => state.members.length > 0).map((group) => group.name),
    ]);
    return [...names].sort()
      .filter((each) => name === undefined || each === name)
      .map((each) => {
        const state = this.#groups.get(each)?.state;
        return { name: each, state, stored: offsets.group(each) };
      });
  }

  /** The group that somebody says to be a member of, who is heard of by that. */
  #memberOf(name: string, request: MemberRequest): OpenGroup {
    this.#checkOpen();
    const group = this.#groups.get(checkGroupName(name));
    if (group === undefined) throw noMember(name, request.member);
    // What came in time counts, however long it has to wait for its turn.
    const known = group.state.member(request.member);
    if (known?.principal === request.principal) {
      group.state.renew(request.member, this.#clock.now());
    }
    return group;
  }

  /** A group that may become one. @throws {SeglogError} `overloaded` */
  async #openGroup(name: string): Promise<OpenGroup> {
    checkGroupName(name);
    this.#checkOpen();
    const offsets = await this.#stored();
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const stored = offsets.group(name);
    if (stored === undefined && Math.max(offsets.count, this.#groups.size) >= GROUPS_MAX) {
      throw new SeglogError(
        "overloaded",
        `Cannot make the group "${name}": there are ${GROUPS_MAX}, which are the most; remove one`,
        { details: { limit: GROUPS_MAX } },
      );
    }
    const group: OpenGroup = {
      name,
      offsets,
      backend: this.#backend,
      clock: this.#clock,
      state: new GroupState(stored?.generation ?? 0),
      mutex: new Mutex(),
      news: new News(),
      lookedAt: -Infinity,
      cancel: () => {},
    };
    this.#groups.set(name, group);
    return group;
  }

  #stored(): Promise<CommittedOffsets> {
    this.#checkOpen();
    this.#offsets ??= this.#load().catch((error) => {
      this.#offsets = undefined; // what failed once may do the next time
      throw error;
    });
    return this.#offsets;
  }

  async #load(): Promise<CommittedOffsets> {
    await this.#after;
    return await CommittedOffsets.open(this.#backend, this.#clock);
  }

  #checkOpen(): void {
    if (!this.#ending.signal.aborted) return;
    throw new SeglogError("unavailable", "Cannot use the groups: their coordinator has ended");
  }
}

/** What a member is told. */
async function told(group: OpenGroup, member: string): Promise<Membership> {
  const { state, name } = group;
  const { places, awaited } = state.shareOf(member);
  const partitions = await startPositions(group, places);
  const { generation } = state;
  const { leaseMs } = state.member(member)!;
  return { group: name, member, generation, leaseMs, partitions, awaited };
}

/** Generations that were told to somebody are not told again, whatever becomes of this process. */
async function reserve({ name, state, offsets }: OpenGroup): Promise<void> {
  const ahead = (offsets.group(name)?.generation ?? 0) - state.generation;
  if (ahead >= GENERATIONS_EACH) return;
  await offsets.reserve(name, state.generation + GROUP_GENERATIONS_AHEAD);
}

/** @throws {SeglogError} `condition-failed` for nobody, and for somebody else */
function memberIn({ name, state }: OpenGroup, request: MemberRequest): Member {
  const member = state.member(request.member);
  if (member?.principal === request.principal && member !== undefined) return member;
  throw noMember(name, request.member);
}

/** @throws {SeglogError} `exists`, `overloaded` */
function checkFree({ name, state }: OpenGroup, { member, principal }: JoinRequest): void {
  const known = state.member(member);
  if (known !== undefined && known.principal !== principal) {
    throw new SeglogError(
      "exists",
      `Cannot join the group "${name}" as "${member}": somebody else does; take another id`,
    );
  }
  if (known !== undefined || state.members.length < GROUP_MEMBERS_MAX) return;
  throw new SeglogError(
    "overloaded",
    `Cannot join the group "${name}": it has ${GROUP_MEMBERS_MAX} members, which are the most`,
    { details: { limit: GROUP_MEMBERS_MAX } },
  );
}
