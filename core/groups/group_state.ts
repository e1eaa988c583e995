/**
 * Who is in a group, and who reads what: a state that changes by what members say and by time, and
 * does nothing else.
 *
 * A partition goes from one member to another in the way of KIP-848: the target changes at once, the
 * owner when it says that it let go, or when its time for that is over. So there is one owner at any
 * moment, and only of the partitions that move does anybody stop reading.
 *
 * Every change has a generation of its own. A partition remembers the one `since` when it is its
 * owner's: what is committed with another one was read before the partition was lost, or moved.
 *
 * @module
 */
import type { GroupPlace, HeartbeatRequest, MemberRequest } from "../group_contract.ts";
import { assign } from "./assign.ts";

/** A member, and until when it counts as alive. */
export interface Member {
  readonly member: string;
  readonly principal: string | undefined;
  readonly topics: ReadonlySet<string>;
  readonly from: "start" | "end";
  readonly leaseMs: number;
  readonly handoverMs: number;
  expiresAt: number;
  /** What it was assigned when that was last looked at. */
  seen: string;
  /** The generation in which that became so. */
  changedIn: number;
}

/** What somebody who joins says. */
export type Joining = Omit<Member, "expiresAt" | "seen" | "changedIn">;

/** A partition that the group reads. */
export interface Place extends GroupPlace {
  /** Of the topic: one that is made anew has another. */
  readonly topicId: string;
  /** Who may read and commit. */
  owner: string | undefined;
  /** The generation in which it became the owner's. */
  since: number;
  /** Where a group begins that never was there. */
  readonly begin: "start" | "end";
  /** Who is to have it. */
  target: string | undefined;
  /** When it is taken from an owner who is not the target. */
  releaseBy: number;
  /** The generation `since` which its position was looked at. */
  checkedIn: number;
  /** What was committed, when the partition was found to end before that. */
  rewoundFrom: number | undefined;
}

/** What is known of a topic. */
export interface KnownTopic {
  readonly id: string;
  readonly partitions: number;
}

/** Partitions as a member sees them. */
export interface Share {
  /** Those that it may read. */
  readonly places: readonly Place[];
  /** How many more it gets when others let go of them. */
  readonly awaited: number;
}

/** The members of one group, and its partitions. */
export class GroupState {
  readonly #members = new Map<string, Member>();
  readonly #places = new Map<string, Place>();
  #topics: ReadonlyMap<string, KnownTopic> = new Map();
  #generation: number;

  /** @param generation all that it tells are later */
  constructor(generation: number) {
    this.#generation = generation;
  }

  /** Rises with every change. */
  get generation(): number {
    return this.#generation;
  }

  /** All that it tells from now on is later than this one, too. */
  passOver(generation: number): void {
    this.#generation = Math.max(this.#generation, generation);
  }

  /** All members, by id. */
  get members(): readonly Member[] {
    return [...this.#members.values()].sort((a, b) => a.member < b.member ? -1 : 1);
  }

  /** All topics that somebody wants. */
  get wanted(): ReadonlySet<string> {
    return new Set([...this.#members.values()].flatMap(({ topics }) => [...topics]));
  }

  /** When something is to be done if nobody says anything: `Infinity` for never. */
  get deadline(): number {
    const leases = [...this.#members.values()].map(({ expiresAt }) => expiresAt);
    const releases = [...this.#places.values()].map(({ releaseBy }) => releaseBy);
    return [...leases, ...releases].reduce((a, b) => Math.min(a, b), Infinity);
  }

  /** A member, unless it is none. */
  member(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /** A partition, unless nobody wants it. */
  place({ topic, partition }: GroupPlace): Place | undefined {
    return this.#places.get(placeKey(topic, partition));
  }

  /** What a member may read. */
  shareOf(id: string): Share {
    return share(id, [...this.#places.values()].filter(({ target }) => target === id));
  }

  /** Takes in what topics there are. All that is in one which was not there before is new to the group. */
  learn(topics: ReadonlyMap<string, KnownTopic>, nowMs: number): void {
    const isSame = [...this.wanted].every((name) => {
      const [known, found] = [this.#topics.get(name), topics.get(name)];
      return known?.id === found?.id && known?.partitions === found?.partitions;
    });
    this.#topics = topics;
    if (!isSame) this.#change(nowMs);
  }

  /** One member more, or one that begins anew: it holds nothing, whatever it held. */
  join(joining: Joining, nowMs: number): void {
    const member = {
      ...joining,
      expiresAt: nowMs + joining.leaseMs,
      seen: "",
      changedIn: this.#generation,
    };
    this.#members.set(joining.member, member);
    for (const place of this.#places.values()) {
      if (place.owner === joining.member) place.owner = undefined;
    }
    this.#change(nowMs, joining.from);
  }

  /** One member less. */
  leave(id: string, nowMs: number): void {
    if (this.#members.delete(id)) this.#change(nowMs);
  }

  /** No member is one any more. */
  disperse(nowMs: number): void {
    if (this.#members.size === 0) return;
    this.#members.clear();
    this.#change(nowMs);
  }

  /** A sign of life, unless it comes too late. */
  renew(id: string, nowMs: number): void {
    const member = this.#members.get(id);
    if (member === undefined || member.expiresAt <= nowMs) return;
    member.expiresAt = Math.max(member.expiresAt, nowMs + member.leaseMs);
  }

  /**
   * Lets go of what a member was to give up, and holds no more. What it had not been told of when it
   * said so is left: an answer to it may be on its way.
   */
  release(
    { member, generation, holds }: Pick<HeartbeatRequest, "member" | "generation" | "holds">,
    nowMs: number,
  ): void {
    const held = new Set(holds.map(({ topic, partition }) => placeKey(topic, partition)));
    const given = [...this.#places].filter(([key, { owner, target, since }]) =>
      owner === member && target !== member && since <= generation && !held.has(key)
    );
    for (const [, place] of given) place.owner = undefined;
    if (given.length > 0) this.#change(nowMs);
  }

  /** Gives up members that were not heard of, and takes what was to be given up long ago. */
  expire(nowMs: number): void {
    const gone = [...this.#members.values()].filter(({ expiresAt }) => expiresAt <= nowMs);
    for (const { member } of gone) this.#members.delete(member);
    const late = [...this.#places.values()].filter(({ releaseBy }) => releaseBy <= nowMs);
    for (const place of late) place.owner = undefined;
    if (gone.length + late.length > 0) this.#change(nowMs);
  }

  /** Makes the owner of a partition begin anew there: what it commits of before does not count. */
  restart(places: readonly Place[], nowMs: number): void {
    for (const place of places) place.owner = undefined;
    this.#change(nowMs);
  }

  #change(nowMs: number, begin: Place["begin"] = "start"): void {
    this.#generation++;
    this.#layOut(begin);
    this.#distribute(nowMs);
    const byTarget = Map.groupBy(this.#places.values(), ({ target }) => target);
    for (const member of this.#members.values()) {
      const { places, awaited } = share(member.member, byTarget.get(member.member) ?? []);
      const shares = places.map(({ topic, partition, since }) => [topic, partition, since]);
      const seen = JSON.stringify([shares, awaited]);
      if (seen === member.seen) continue;
      member.seen = seen;
      member.changedIn = this.#generation;
    }
  }

  /** A place for each partition of each topic that somebody wants, and for no other. */
  #layOut(begin: Place["begin"]): void {
    const { wanted } = this;
    for (const [key, { topic, topicId }] of this.#places) {
      const isThere = wanted.has(topic) && this.#topics.get(topic)?.id === topicId;
      if (!isThere) this.#places.delete(key);
    }
    for (const topic of [...wanted].sort()) {
      const known = this.#topics.get(topic);
      for (let partition = 0; partition < (known?.partitions ?? 0); partition++) {
        const key = placeKey(topic, partition);
        if (!this.#places.has(key)) {
          this.#places.set(key, freePlace({ topic, partition }, { topicId: known!.id, begin }));
        }
      }
    }
  }

  #distribute(nowMs: number): void {
    const places = [...this.#places.values()].sort(byPlace);
    for (const place of places) {
      const isHeld = this.#members.get(place.owner ?? "")?.topics.has(place.topic) === true;
      if (!isHeld) place.owner = undefined;
    }
    // What is on its way to somebody stays on its way.
    const slots = places.map((place) => {
      const isOnItsWay = this.#members.get(place.target ?? "")?.topics.has(place.topic) === true;
      return { ...place, owner: isOnItsWay ? place.target : place.owner };
    });
    const targets = assign(slots, [...this.#members.values()]);
    places.forEach((place, index) => {
      place.target = targets[index];
      if (place.owner === undefined) this.#hand(place);
      if (place.owner === place.target) place.releaseBy = Infinity;
      else if (place.releaseBy === Infinity) {
        place.releaseBy = nowMs + this.#members.get(place.owner!)!.handoverMs;
      }
    });
  }

  #hand(place: Place): void {
    place.owner = place.target;
    place.since = this.#generation;
    place.rewoundFrom = undefined;
  }
}

/** Whether somebody is a member, and not somebody else by its name. */
export function isMember(state: GroupState, { member, principal }: MemberRequest): boolean {
  const known = state.member(member);
  return known !== undefined && known.principal === principal;
}

/** Of the partitions that somebody is to have, those that it has already. */
function share(id: string, mine: readonly Place[]): Share {
  const places = mine.filter(({ owner }) => owner === id);
  return { places, awaited: mine.length - places.length };
}

function freePlace(
  place: GroupPlace,
  about: Pick<Place, "topicId" | "begin">,
): Place {
  return {
    ...place,
    ...about,
    owner: undefined,
    since: 0,
    target: undefined,
    releaseBy: Infinity,
    checkedIn: 0,
    rewoundFrom: undefined,
  };
}

function placeKey(topic: string, partition: number): string {
  return `${partition}/${topic}`;
}

function byPlace(a: GroupPlace, b: GroupPlace): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}
