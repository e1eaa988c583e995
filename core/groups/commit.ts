/**
 * Committed offsets: where a member begins, and how far it came.
 *
 * @module
 */
import { boundsFor } from "../at_origin.ts";
import { isNotFound } from "../base/errors.ts";
import { outOfRange } from "../base/offset_errors.ts";
import type { AssignedPartition, CommitRequest, GroupOffset } from "../group_contract.ts";
import type { Committed } from "./committed_offsets.ts";
import { checkCommit, noMember, notYours, placeName } from "./group_checks.ts";
import type { GroupParts } from "./group_parts.ts";
import { isMember, type Place } from "./group_state.ts";

/** Commits of one group that wait for the one before them: they are stored together. */
export class CommitQueue {
  #waiting: Waiting[] = [];

  /** Waits for its turn. */
  add(request: CommitRequest): Promise<readonly GroupOffset[]> {
    return new Promise((resolve, reject) => this.#waiting.push({ request, resolve, reject }));
  }

  /** Stores all that wait; each is told by itself what became of it. */
  async run(parts: GroupParts): Promise<void> {
    const waiting = this.#take();
    const accepted: { one: Waiting; places: readonly Place[] }[] = [];
    const fresh = new Map<Place, Committed>();
    for (const one of waiting) {
      try {
        accepted.push({ one, places: await takeIn(parts, one.request, fresh) });
      } catch (error) {
        one.reject(error);
      }
    }
    const { offsets, name } = parts;
    try {
      await offsets.commit(name, [...fresh.values()]);
    } catch (error) {
      for (const { one } of accepted) one.reject(error);
      return;
    }
    for (const { one, places } of accepted) {
      one.resolve(places.map((place) => {
        place.rewoundFrom = undefined;
        const { topic, partition } = place;
        return { topic, partition, offset: offsets.get(name, place)!.offset };
      }));
    }
  }

  /** Nothing of what waits can be stored. */
  fail(error: unknown): void {
    for (const { reject } of this.#take()) reject(error);
  }

  #take(): Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}

interface Waiting {
  readonly request: CommitRequest;
  readonly resolve: (offsets: readonly GroupOffset[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Takes in what a member is done with. What others have done since, and what was done before, stays:
 * only a seek takes a group back.
 *
 * @param fresh what is going to be stored, which is added to when all of the request is right
 * @throws {SeglogError} `condition-failed` for a partition that is not the member's
 */
async function takeIn(
  { name, state, offsets, backend, clock }: GroupParts,
  request: CommitRequest,
  fresh: Map<Place, Committed>,
): Promise<readonly Place[]> {
  const { member } = request;
  if (!isMember(state, request)) throw noMember(name, member);
  checkCommit(request.offsets);
  const news: [Place, Committed][] = [];
  const places: Place[] = [];
  for (const { topic, partition, offset, since, metadata } of request.offsets) {
    const place = state.place({ topic, partition });
    if (place?.owner !== member || place.since !== since) {
      throw notYours(name, member, { topic, partition });
    }
    const bounds = await boundsFor(backend, { topic, partition }, offset);
    if (offset > bounds.nextOffset) throw outOfRange(placeName(place), offset, bounds);
    places.push(place);
    const before = fresh.get(place) ?? offsets.get(name, place);
    const isNews = before === undefined || offset > before.offset ||
      (offset === before.offset && (metadata ?? before.metadata) !== before.metadata);
    if (!isNews) continue;
    const { topicId } = place;
    const at = clock.now();
    news.push([place, { topic, topicId, partition, offset, metadata: metadata ?? "", at }]);
  }
  for (const [place, committed] of news) fresh.set(place, committed);
  return places;
}

/**
 * Where the owner of some partitions begins. The first position of all is stored as if it had been
 * committed: whoever takes over begins there as well, and what came meanwhile is not passed over.
 */
export async function startPositions(
  { name, offsets, backend, clock }: GroupParts,
  places: readonly Place[],
): Promise<AssignedPartition[]> {
  const first: Committed[] = [];
  const begun: Place[] = [];
  for (const place of places) {
    const { topic, topicId, partition, since } = place;
    const committed = offsets.get(name, place);
    if (place.checkedIn === since && committed !== undefined) {
      begun.push(place);
      continue;
    }
    let bounds: { logStartOffset: number; nextOffset: number };
    try {
      bounds = await boundsFor(backend, place, committed?.offset ?? 0);
    } catch (error) {
      if (isNotFound(error)) continue; // it was deleted, and will be seen to be
      if (committed === undefined) throw error;
      begun.push(place); // what is wrong with it is told to whoever reads it
      continue;
    }
    const { logStartOffset, nextOffset } = bounds;
    const at = clock.now();
    const where = { topic, topicId, partition, metadata: "", at };
    if (committed === undefined) {
      first.push({ ...where, offset: place.begin === "end" ? nextOffset : logStartOffset });
    } else if (committed.offset > nextOffset) {
      first.push({ ...where, offset: nextOffset });
      place.rewoundFrom = committed.offset;
    }
    begun.push(place);
  }
  await offsets.commit(name, first);
  return begun.map((place) => {
    place.checkedIn = place.since;
    const { topic, topicId, partition, since, rewoundFrom } = place;
    const { offset } = offsets.get(name, place)!;
    const assigned = { topic, topicId, partition, offset, since };
    return rewoundFrom === undefined ? assigned : { ...assigned, rewoundFrom };
  });
}
