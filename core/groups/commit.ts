/**
 * Committed offsets: where a member begins, and how far it came.
 *
 * @module
 */
import { isNotFound } from "../base/errors.ts";
import { outOfRange } from "../base/offset_errors.ts";
import type { AssignedPartition, CommitRequest, GroupOffset } from "../group_contract.ts";
import type { Committed } from "./committed_offsets.ts";
import { checkCommit, notYours, placeName } from "./group_checks.ts";
import type { GroupParts } from "./group_parts.ts";
import type { Place } from "./group_state.ts";

/**
 * Stores what a member is done with. What others have done since, and what was done before, stays:
 * only a seek takes a group back.
 *
 * @throws {SeglogError} `condition-failed` for a partition that is not the member's; then nothing is
 * stored
 */
export async function commitOffsets(
  { name, state, offsets, backend, clock }: GroupParts,
  request: CommitRequest,
): Promise<readonly GroupOffset[]> {
  const { member } = request;
  checkCommit(request.offsets);
  const fresh: Committed[] = [];
  const places: Place[] = [];
  for (const { topic, partition, offset, since, metadata } of request.offsets) {
    const place = state.place({ topic, partition });
    if (place?.owner !== member || place.since !== since) {
      throw notYours(name, member, { topic, partition });
    }
    const bounds = await backend.bounds(topic, partition);
    if (offset > bounds.nextOffset) throw outOfRange(placeName(place), offset, bounds);
    places.push(place);
    const before = offsets.get(name, place);
    const isNews = before === undefined || offset > before.offset ||
      (offset === before.offset && (metadata ?? before.metadata) !== before.metadata);
    if (!isNews) continue;
    const { topicId } = place;
    const at = clock.now();
    fresh.push({ topic, topicId, partition, offset, metadata: metadata ?? "", at });
  }
  await offsets.commit(name, fresh);
  for (const place of places) place.rewoundFrom = undefined;
  return places.map((place) => {
    const { topic, partition } = place;
    return { topic, partition, offset: offsets.get(name, place)!.offset };
  });
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
      bounds = await backend.bounds(topic, partition);
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
