/**
 * Who is a member, and what members are told.
 *
 * @module
 */
import type { TopicInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { GROUP_GENERATIONS_AHEAD, GROUP_MEMBERS_MAX } from "../base/limits.ts";
import type { JoinRequest, MemberRequest, Membership } from "../group_contract.ts";
import { startPositions } from "./commit.ts";
import { noMember } from "./group_checks.ts";
import type { GroupParts } from "./group_parts.ts";
import { isMember, type KnownTopic, type Member } from "./group_state.ts";

/** Generations that one change can take. */
const GENERATIONS_EACH = 10;

/** Those of some topics that are there. */
export function knownTopics(
  all: readonly TopicInfo[],
  names: ReadonlySet<string>,
): ReadonlyMap<string, KnownTopic> {
  const found = all.filter(({ name }) => names.has(name));
  return new Map(found.map(({ name, id, config: { partitions } }) => [name, { id, partitions }]));
}

/** Whether topics of all these names are there. */
export function hasAll(all: readonly TopicInfo[], names: ReadonlySet<string>): boolean {
  return knownTopics(all, names).size === names.size;
}

/** What a member is told. */
export async function told(group: GroupParts, member: string): Promise<Membership> {
  const { state, name } = group;
  const { places, awaited } = state.shareOf(member);
  const partitions = await startPositions(group, places);
  const { generation } = state;
  const { leaseMs } = state.member(member)!;
  return { group: name, member, generation, leaseMs, partitions, awaited };
}

/**
 * Generations that were told to somebody are not told again, whatever becomes of this process, and
 * nobody else goes on with the group once it was claimed.
 */
export async function reserve({ name, state, offsets }: GroupParts): Promise<void> {
  const { generation } = state;
  if (!offsets.isClaimed(name)) {
    const options = { after: generation, ahead: GROUP_GENERATIONS_AHEAD };
    return state.passOver(await offsets.claim(name, options));
  }
  const ahead = (offsets.group(name)?.generation ?? 0) - generation;
  if (ahead >= GENERATIONS_EACH) return;
  await offsets.reserve(name, generation + GROUP_GENERATIONS_AHEAD);
}

/** @throws {SeglogError} `condition-failed` for nobody, and for somebody else */
export function memberIn({ name, state }: GroupParts, request: MemberRequest): Member {
  if (isMember(state, request)) return state.member(request.member)!;
  throw noMember(name, request.member);
}

/** @throws {SeglogError} `exists`, `overloaded` */
export function checkFree({ name, state }: GroupParts, { member, principal }: JoinRequest): void {
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
