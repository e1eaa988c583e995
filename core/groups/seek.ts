/**
 * Moving a group to another place in a topic.
 *
 * @module
 */
import { originOf } from "../at_origin.ts";
import type { PartitionInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { outOfRange } from "../base/offset_errors.ts";
import type { GroupOffset, SeekRequest, SoughtOffset } from "../group_contract.ts";
import { parseOffsetSelector, resolveOffset } from "../offset_range.ts";
import { inUse, placeName } from "./group_checks.ts";
import type { GroupParts } from "./group_parts.ts";
import { reserve } from "./membership.ts";

/** Commits other offsets for a topic; members that read it begin anew there, if that is forced. */
export async function seekGroup(
  parts: GroupParts,
  { topic, partition, to, force = false }: SeekRequest,
): Promise<SoughtOffset[]> {
  const { name, state, offsets, clock } = parts;
  const backend = originOf(parts.backend);
  const details = await backend.describeTopic(topic);
  const infos = partition === undefined
    ? details.partitions
    : [partitionOf(details.partitions, { topic, partition })];
  const active = infos.flatMap((info) => state.place({ topic, ...info }) ?? [])
    .filter(({ owner }) => owner !== undefined);
  if (active.length > 0 && !force) {
    const owners = new Set(active.map(({ owner }) => owner));
    throw inUse(`move the group "${name}" in "${topic}"`, owners.size);
  }
  const selector = parseOffsetSelector(to, clock.now());
  if (selector.kind === "offset" && infos.length > 1) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot move the group "${name}" to offset ${selector.offset} of "${topic}": it has ${infos.length} partitions, each with its own; say which one, or give start, end, -N or @time`,
    );
  }
  const found: GroupOffset[] = [];
  for (const info of infos) {
    const place = { topic, partition: info.partition };
    const offset = await resolveOffset(backend, topic, selector, info.partition);
    if (offset < info.logStartOffset || offset > info.nextOffset) {
      throw outOfRange(placeName(place), offset, info);
    }
    found.push({ ...place, offset });
  }
  await reserve(parts); // only now that something is to be written
  const sought = found.map(({ offset, ...place }): SoughtOffset => {
    const before = offsets.get(name, { topicId: details.id, ...place })?.offset ?? null;
    return { ...place, before, offset };
  });
  const at = clock.now();
  await offsets.commit(
    name,
    sought.map(({ partition, offset }) => {
      return { topic, topicId: details.id, partition, offset, metadata: "", at };
    }),
  );
  if (active.length > 0) state.restart(active, at);
  return sought;
}

function partitionOf(
  infos: readonly PartitionInfo[],
  { topic, partition }: { readonly topic: string; readonly partition: number },
): PartitionInfo {
  const info = infos[partition];
  if (info !== undefined) return info;
  throw new SeglogError(
    "not-found",
    `Cannot find partition ${partition} of "${topic}": it has partitions 0 to ${infos.length - 1}`,
  );
}
