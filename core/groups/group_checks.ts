/**
 * What names and requests of groups may be, and how they are refused.
 *
 * @module
 */
import { utf8Length } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import {
  GROUP_HANDOVER_MS_DEFAULT,
  GROUP_LEASE_MS_DEFAULT,
  GROUP_LEASE_MS_MAX,
  GROUP_LEASE_MS_MIN,
  GROUP_METADATA_BYTES_MAX,
  GROUP_NAME_BYTES_MAX,
  GROUP_TOPICS_MAX,
} from "../base/limits.ts";
import type { GroupPlace, JoinRequest, OffsetCommit } from "../group_contract.ts";
import type { Joining } from "./group_state.ts";

/** The name of a group, when it is one. @throws {SeglogError} `invalid-argument` */
export function checkGroupName(group: string): string {
  return checkName("the name of a group", group);
}

/** What somebody who joins says, with what is not said filled in. @throws {SeglogError} `invalid-argument` */
export function checkJoin(request: JoinRequest): Joining {
  const { member, topics, principal, from = "start" } = request;
  const { leaseMs = GROUP_LEASE_MS_DEFAULT, handoverMs = GROUP_HANDOVER_MS_DEFAULT } = request;
  checkName("the id of a member", member);
  if (topics.length === 0 || topics.length > GROUP_TOPICS_MAX) {
    throw invalid(`join with ${topics.length} topics: give 1 to ${GROUP_TOPICS_MAX}`);
  }
  if (from !== "start" && from !== "end") {
    throw invalid(`begin from ${JSON.stringify(from)}: give start or end`);
  }
  for (const [name, ms] of Object.entries({ leaseMs, handoverMs })) {
    const isRight = Number.isSafeInteger(ms) && ms >= GROUP_LEASE_MS_MIN &&
      ms <= GROUP_LEASE_MS_MAX;
    if (isRight) continue;
    const range = `${GROUP_LEASE_MS_MIN} to ${GROUP_LEASE_MS_MAX}`;
    throw invalid(`join with ${name}: ${ms}: give whole milliseconds from ${range}`);
  }
  return { member, principal, topics: new Set(topics), from, leaseMs, handoverMs };
}

/** Refuses offsets that are none, and a partition that is named twice. @throws {SeglogError} `invalid-argument` */
export function checkCommit(offsets: readonly OffsetCommit[]): void {
  const seen = new Set<string>();
  for (const { topic, partition, offset, metadata = "" } of offsets) {
    const place = placeName({ topic, partition });
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw invalid(`commit ${offset} for ${place}: give an offset`);
    }
    if (utf8Length(metadata) > GROUP_METADATA_BYTES_MAX) {
      throw invalid(
        `commit for ${place}: metadata has more than ${GROUP_METADATA_BYTES_MAX} bytes`,
      );
    }
    if (seen.has(place)) throw invalid(`commit twice for ${place}: name each partition once`);
    seen.add(place);
  }
}

/** `"orders" partition 3` */
export function placeName({ topic, partition }: GroupPlace): string {
  return `"${topic}" partition ${partition}`;
}

/** The error for somebody who is no member, or no more. */
export function noMember(group: string, member: string): SeglogError {
  return new SeglogError(
    "condition-failed",
    `Cannot speak as "${
      member.slice(0, 80)
    }" in the group "${group}": it is no member, or was not heard of within its lease; join again`,
    { details: { group, member: member.slice(0, 200), rejoin: true } },
  );
}

/** The error for a partition that somebody may not commit in any more. */
export function notYours(group: string, member: string, place: GroupPlace): SeglogError {
  const { topic, partition } = place;
  return new SeglogError(
    "condition-failed",
    `Cannot commit for ${
      placeName(place)
    } in the group "${group}": it is not, or not any more, assigned to "${member}"; go on with what the next heartbeat says`,
    { details: { group, topic, partition, rejoin: false } },
  );
}

/** The error for a group that somebody else coordinates by now. */
export function takenOver(group: string): SeglogError {
  return new SeglogError(
    "condition-failed",
    `Cannot go on with the group "${group}": another coordinator has taken it over; join it again, or ask again`,
    { details: { group, rejoin: true, takenOver: true } },
  );
}

/** Whether an error says that somebody else coordinates a group by now. */
export function isTakenOver(error: unknown): boolean {
  return error instanceof SeglogError && error.details.takenOver === true;
}

/** The error for a group that is in use. */
export function inUse(action: string, members: number): SeglogError {
  const who = members === 1 ? "a member is" : `${members} members are`;
  return new SeglogError(
    "condition-failed",
    `Cannot ${action}: ${who} active; end them, or force it`,
    { details: { members } },
  );
}

/** The error for a group of which nothing is known. */
export function noGroup(group: string): SeglogError {
  return new SeglogError("not-found", `Cannot find the group "${group}": there is none`, {
    details: { group },
  });
}

function checkName(what: string, name: string): string {
  const bytes = utf8Length(name);
  const shown = JSON.stringify(name.slice(0, 80));
  if (bytes < 1 || bytes > GROUP_NAME_BYTES_MAX) {
    throw invalid(
      `use ${shown} as ${what}: it has ${bytes} bytes, and 1 to ${GROUP_NAME_BYTES_MAX} are allowed`,
    );
  }
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) {
    throw invalid(`use ${shown} as ${what}: it has a control character, or is not valid Unicode`);
  }
  return name;
}

function invalid(what: string): SeglogError {
  return new SeglogError("invalid-argument", `Cannot ${what}`);
}
