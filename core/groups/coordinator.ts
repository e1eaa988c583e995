/**
 * Consumer groups of one backend, kept by the owner of its topics: who the members are is in memory,
 * what they committed is in an internal topic.
 *
 * After a restart nobody is a member. Whoever was joins again, in a generation that is later than all
 * before, and goes on from what was committed. The same goes for a coordinator in another process that
 * takes over: what the one before still writes is refused.
 *
 * @module
 */
import { topicsFor } from "../at_origin.ts";
import type { Backend, TopicInfo } from "../backend.ts";
import { type Clock, systemClock, wakefulClock } from "../base/clock.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import { GROUP_TOPICS_LOOK_MS, GROUPS_MAX } from "../base/limits.ts";
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
import { CommitQueue } from "./commit.ts";
import { CommittedOffsets } from "./committed_offsets.ts";
import { checkGroupName, checkJoin, inUse, noGroup, noMember } from "./group_checks.ts";
import type { GroupParts } from "./group_parts.ts";
import { GroupState, isMember } from "./group_state.ts";
import { GroupViews, type KnownGroup } from "./group_views.ts";
import { News } from "./news.ts";
import { checkFree, hasAll, knownTopics, memberIn, reserve, told } from "./membership.ts";
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
  readonly commits: CommitQueue;
  /** For heartbeats that wait for something to change. */
  readonly news: News;
  /** When it was last seen which topics there are. */
  lookedAt: number;
  /** How many are about to change it. */
  users: number;
  /** Ends the timer of the next lease that runs out. */
  cancel: () => void;
}

/**
 * Keeps the groups of a backend. Of two that do so for the same topics, each group follows the one
 * that claimed it last; to the members of the other it is as after a restart.
 */
export class GroupCoordinator implements Groups, AsyncDisposable {
  readonly #backend: Backend;
  readonly #clock: Clock;
  /** The same clock, for those who wait for an answer. */
  readonly #patience: Clock;
  readonly #onNotice: (notice: string) => void;
  readonly #after: Promise<unknown> | undefined;
  readonly #groups = new Map<string, OpenGroup>();
  readonly #ending = new AbortController();
  /** Generations of groups that are gone are not used again. */
  #generation = 0;
  #offsets: Promise<CommittedOffsets> | undefined;

  /** A coordinator for the topics of `backend`, which stays open when this is closed. */
  constructor(backend: Backend, options: CoordinatorOptions = {}) {
    this.#backend = backend;
    this.#clock = options.clock ?? systemClock;
    this.#patience = this.#clock === systemClock ? wakefulClock : this.#clock;
    this.#onNotice = options.onNotice ?? (() => {});
    this.#after = options.after;
  }

  async join(name: string, request: JoinRequest): Promise<Membership> {
    const joining = checkJoin(request);
    const offsets = await this.#stored();
    return await this.#change(this.#group(name, offsets), async (group) => {
      const { state } = group;
      checkFree(group, request);
      const all = await topicsFor(this.#backend, (topics) => hasAll(topics, joining.topics));
      const topics = knownTopics(all, new Set([...state.wanted, ...joining.topics]));
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
    const first = this.#memberOf(name, request);
    const signals = [this.#ending.signal, ...signal === undefined ? [] : [signal]];
    const clock = this.#clock;
    const { leaseMs } = memberIn(first, request);
    const until = clock.now() + Math.min(request.waitMs ?? 0, leaseMs / 2);
    for (;;) {
      const { issue } = first.news;
      const membership = await this.#change(first, async (group) => {
        group.state.release(request, clock.now());
        await this.#look(group);
        const isNews = memberIn(group, request).changedIn > generation;
        const isOver = clock.now() >= until || signals.some(({ aborted }) => aborted);
        return isNews || isOver ? await told(group, request.member) : undefined;
      });
      if (membership !== undefined) return membership;
      const waitMs = until - clock.now();
      await first.news.wait(issue, { clock: this.#patience, waitMs, signals });
    }
  }

  async leave(name: string, request: MemberRequest): Promise<void> {
    const open = this.#groups.get(name);
    if (open === undefined) return;
    await this.#change(open, ({ state }) => {
      if (isMember(state, request)) state.leave(request.member, this.#clock.now());
    });
  }

  async commit(name: string, request: CommitRequest): Promise<readonly GroupOffset[]> {
    const open = this.#memberOf(name, request);
    const { commits } = open;
    const committed = commits.add(request);
    // Whoever comes first stores what others say until then.
    this.#change(open, (group) => commits.run(group)).catch((error) => commits.fail(error));
    return await committed;
  }

  async list(): Promise<readonly GroupSummary[]> {
    const views = new GroupViews(this.#backend);
    const summaries: GroupSummary[] = [];
    for (const group of await this.#known()) summaries.push(await views.summary(group));
    return summaries;
  }

  async describe(name: string): Promise<GroupDetails> {
    const [group] = await this.#known([checkGroupName(name)]);
    if (group === undefined) throw noGroup(name);
    return await new GroupViews(this.#backend).details(group);
  }

  async seek(name: string, request: SeekRequest): Promise<readonly SoughtOffset[]> {
    const offsets = await this.#stored();
    return await this.#change(this.#group(name, offsets), (group) => seekGroup(group, request));
  }

  async remove(name: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    const stored = await this.#stored();
    await this.#change(this.#group(name, stored), async (group) => {
      const { state, offsets } = group;
      const { members } = state;
      if (members.length === 0 && offsets.group(name) === undefined) throw noGroup(name);
      if (members.length > 0 && !force) throw inUse(`remove the group "${name}"`, members.length);
      for (const { member } of members) state.leave(member, this.#clock.now());
      await reserve(group);
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
  async #change<Result>(
    group: OpenGroup,
    run: (group: OpenGroup) => Result | Promise<Result>,
  ): Promise<Result> {
    group.users++;
    try {
      return await this.#inTurn(group, run);
    } finally {
      group.users--;
      this.#letGo(group);
    }
  }

  #inTurn<Result>(
    group: OpenGroup,
    run: (group: OpenGroup) => Result | Promise<Result>,
  ): Promise<Result> {
    const { name, mutex, state, news, offsets } = group;
    return mutex.run(async () => {
      this.#checkOpen();
      const before = state.generation;
      try {
        if (state.members.length > 0) await reserve(group);
        state.expire(this.#clock.now());
        return await run(group);
      } finally {
        // Where another coordinator has taken over, all have to join again.
        if (!offsets.isClaimed(name)) state.disperse(this.#clock.now());
        if (state.generation > before) news.tell();
        this.#arm(group);
      }
    });
  }

  /** Forgets a group that came to nothing: names that were only tried take no room. */
  #letGo(group: OpenGroup): void {
    const { name, state, offsets, users } = group;
    const isNothing = users === 0 && state.members.length === 0 &&
      offsets.group(name) === undefined;
    if (!isNothing || this.#groups.get(name) !== group) return;
    this.#groups.delete(name);
    this.#generation = Math.max(this.#generation, state.generation);
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
    const staleIn = (topics: readonly TopicInfo[]) => {
      const ids = new Set(topics.map(({ id }) => id));
      return [...offsets.group(name)?.offsets.values() ?? []]
        .filter(({ topicId }) => !ids.has(topicId));
    };
    const all = await topicsFor(
      this.#backend,
      (topics) => hasAll(topics, state.wanted) && staleIn(topics).length === 0,
    );
    await offsets.forget(name, staleIn(all));
    state.learn(knownTopics(all, state.wanted), nowMs);
  }

  /** All groups, or those of some names, as they are now. */
  async #known(asked?: readonly string[]): Promise<KnownGroup[]> {
    const offsets = await this.#stored();
    const names = asked ?? [...new Set([...offsets.names, ...this.#groups.keys()])].sort();
    const found: KnownGroup[] = [];
    for (const name of names) {
      const group = this.#groups.get(name);
      if (group !== undefined) await this.#change(group, () => {});
      const [state, stored] = [group?.state, offsets.group(name)];
      if (stored !== undefined || (state?.members.length ?? 0) > 0) {
        found.push({ name, state, stored });
      }
    }
    return found;
  }

  /** The group that somebody says to be a member of, who is heard of by that. */
  #memberOf(name: string, request: MemberRequest): OpenGroup {
    this.#checkOpen();
    const group = this.#groups.get(checkGroupName(name));
    if (group === undefined) throw noMember(name, request.member);
    // What came in time counts, however long it has to wait for its turn.
    const { state } = group;
    if (isMember(state, request)) state.renew(request.member, this.#clock.now());
    return group;
  }

  /** A group that may become one, to be changed at once. @throws {SeglogError} `overloaded` */
  #group(name: string, offsets: CommittedOffsets): OpenGroup {
    checkGroupName(name);
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
      state: new GroupState(stored?.generation ?? this.#generation),
      mutex: new Mutex(),
      commits: new CommitQueue(),
      news: new News(),
      lookedAt: -Infinity,
      users: 0,
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
