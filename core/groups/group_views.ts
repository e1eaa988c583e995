/**
 * Groups as they are shown: who reads what, how far that is done, and how much is left.
 *
 * @module
 */
import type { Backend, PartitionInfo, TopicDetails } from "../backend.ts";
import { isNotFound, SeglogError } from "../base/errors.ts";
import type {
  GroupActivity,
  GroupDetails,
  GroupPartition,
  GroupSummary,
} from "../group_contract.ts";
import type { StoredGroup } from "./committed_offsets.ts";
import type { GroupState, Place } from "./group_state.ts";

/** What is known of a group. */
export interface KnownGroup {
  readonly name: string;
  /** `undefined` where nobody can be a member. */
  readonly state: GroupState | undefined;
  readonly stored: StoredGroup | undefined;
}

/** Looks at groups; each topic is measured once. */
export class GroupViews {
  readonly #backend: Backend;
  /** Whether members would be known here. */
  readonly #isOwner: boolean;
  readonly #topics = new Map<string, Promise<TopicDetails | undefined>>();

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#isOwner = backend.capabilities.canWrite;
  }

  /** A group at a glance. A damaged topic is left out, and keeps nobody from seeing the others. */
  async summary(group: KnownGroup): Promise<GroupSummary> {
    const partitions = await this.#partitions(group, (name) =>
      this.#topic(name).catch((error) => {
        if (error instanceof SeglogError && error.code === "corrupt") return undefined;
        throw error;
      }));
    return {
      group: group.name,
      state: this.#activity(group),
      members: group.state?.members.length ?? 0,
      topics: [...new Set(partitions.map(({ topic }) => topic))],
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    };
  }

  /** All that is known of a group. */
  async details(group: KnownGroup): Promise<GroupDetails> {
    return {
      group: group.name,
      state: this.#activity(group),
      generation: group.state?.generation ?? group.stored?.generation ?? 0,
      members: (group.state?.members ?? []).map((member) => ({
        member: member.member,
        ...member.principal === undefined ? {} : { principal: member.principal },
        topics: [...member.topics].sort(),
        leaseMs: member.leaseMs,
        expiresAt: member.expiresAt,
      })),
      partitions: await this.#partitions(group, (name) => this.#topic(name)),
    };
  }

  #activity({ state }: KnownGroup): GroupActivity {
    if (!this.#isOwner) return "unknown";
    return state === undefined || state.members.length === 0 ? "empty" : "active";
  }

  /** The partitions where it was, and those that its members read. */
  async #partitions(
    { state, stored }: KnownGroup,
    look: (topic: string) => Promise<TopicDetails | undefined>,
  ): Promise<GroupPartition[]> {
    const names = new Set([
      ...state?.wanted ?? [],
      ...[...stored?.offsets.values() ?? []].map(({ topic }) => topic),
    ]);
    const found: GroupPartition[] = [];
    for (const topic of [...names].sort()) {
      const details = await look(topic);
      for (const info of details?.partitions ?? []) {
        const committed = stored?.offsets.get(`${details!.id}/${info.partition}`);
        const place = state?.place({ topic, partition: info.partition });
        if (committed === undefined && place === undefined) continue;
        found.push(shown(info, { topic, committed, place }));
      }
    }
    return found;
  }

  /** A topic with its partitions measured; `undefined` when it is not there. */
  #topic(name: string): Promise<TopicDetails | undefined> {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const asked = this.#backend.describeTopic(name).catch((error) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    this.#topics.set(name, asked);
    return asked;
  }
}

function shown(
  { partition, logStartOffset, nextOffset }: PartitionInfo,
  { topic, committed, place }: {
    readonly topic: string;
    readonly committed: { offset: number; metadata: string; at: number } | undefined;
    readonly place: Place | undefined;
  },
): GroupPartition {
  const next = Math.max(committed?.offset ?? 0, logStartOffset);
  return {
    topic,
    partition,
    committed: committed?.offset ?? null,
    committedAt: committed?.at ?? null,
    metadata: committed === undefined || committed.metadata === "" ? null : committed.metadata,
    logStartOffset,
    nextOffset,
    lag: Math.max(0, nextOffset - next),
    member: place?.owner ?? null,
  };
}
