/**
 * The contract of consumer groups, wherever they are coordinated: members that share the partitions
 * of some topics, and the offsets up to which the group is done.
 *
 * The owner of the topics keeps it: the process that opened the store, or a server for its clients.
 *
 * @module
 */

/** A partition of a topic. */
export interface GroupPlace {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition. */
  readonly partition: number;
}

/** An offset of a partition: the next one that is to be read. */
export interface GroupOffset extends GroupPlace {
  /** Everything below it is done. */
  readonly offset: number;
}

/** How far a group is done. */
export interface OffsetCommit extends GroupOffset {
  /** As it was assigned: what is done for somebody who has lost the partition since does not count. */
  readonly since: number;
  /** Text of the consumer's own, up to 1 KiB; none unless given. */
  readonly metadata?: string;
}

/** Who joins a group, and for what. */
export interface JoinRequest {
  /** Its id, 1 to 200 bytes, which nobody else uses: another join with it takes its place. */
  readonly member: string;
  /** The topics whose partitions it shares with the others. */
  readonly topics: readonly string[];
  /** Where the group begins in partitions in which it never was: the `start` unless given. */
  readonly from?: "start" | "end";
  /** How long it counts as alive without a word: 15 s unless given. */
  readonly leaseMs?: number;
  /** How long it may take to give a partition up that another is to have: a minute unless given. */
  readonly handoverMs?: number;
  /** On whose behalf: nobody else may speak for the member. */
  readonly principal?: string;
}

/** Which member speaks. */
export interface MemberRequest {
  /** Its id. */
  readonly member: string;
  /** On whose behalf it joined. */
  readonly principal?: string;
}

/** A sign of life. */
export interface HeartbeatRequest extends MemberRequest {
  /** The last generation that it was told. */
  readonly generation: number;
  /** The partitions that it still works on: what it does not name, another may have. */
  readonly holds: readonly GroupPlace[];
  /** How long the answer may wait for something to change; not at all unless given. */
  readonly waitMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** What a member is done with. */
export interface CommitRequest extends MemberRequest {
  /** All of them are committed, or none. */
  readonly offsets: readonly OffsetCommit[];
}

/** A partition that is a member's to read. */
export interface AssignedPartition extends GroupOffset {
  /** Id of the topic: one that is made anew has another. */
  readonly topicId: string;
  /**
   * The generation in which it became the member's. It goes with what is committed, and changes when
   * the partition has to be read anew from `offset`.
   */
  readonly since: number;
  /** The offset that was committed, where the partition has lost its end since, and ends before it. */
  readonly rewoundFrom?: number;
}

/** What a member is told. */
export interface Membership {
  /** Name of the group. */
  readonly group: string;
  /** Id of the member. */
  readonly member: string;
  /** Rises with every change of who reads what. */
  readonly generation: number;
  /** How long the member counts as alive from now on. */
  readonly leaseMs: number;
  /** What it may read. What it reads beside that it has to give up. */
  readonly partitions: readonly AssignedPartition[];
  /** How many partitions it is going to have that others still have to give up. */
  readonly awaited: number;
}

/** What a group does: `unknown` where the store is looked at beside its owner. */
export type GroupActivity = "active" | "empty" | "unknown";

/** A group at a glance. */
export interface GroupSummary {
  /** Its name. */
  readonly group: string;
  /** Whether it has members. */
  readonly state: GroupActivity;
  /** How many. */
  readonly members: number;
  /** The topics that it is about, by name, without those that are damaged. */
  readonly topics: readonly string[];
  /** Offsets that it has not committed yet, over all partitions of these. */
  readonly lag: number;
}

/** One member, looked at. */
export interface GroupMember {
  /** Its id. */
  readonly member: string;
  /** On whose behalf it joined. */
  readonly principal?: string;
  /** The topics that it shares in. */
  readonly topics: readonly string[];
  /** How long it counts as alive without a word. */
  readonly leaseMs: number;
  /** When it will be given up unless it is heard of before: milliseconds since 1970. */
  readonly expiresAt: number;
}

/** One partition, as a group sees it. */
export interface GroupPartition extends GroupPlace {
  /** The next offset that is to be read; `null` where the group never was. */
  readonly committed: number | null;
  /** When it was committed: milliseconds since 1970. */
  readonly committedAt: number | null;
  /** What was committed with it. */
  readonly metadata: string | null;
  /** First offset that can be read. */
  readonly logStartOffset: number;
  /** The offset that the next record gets. */
  readonly nextOffset: number;
  /** Offsets from the committed one, or the first readable one, to the end. */
  readonly lag: number;
  /** The member that reads it. */
  readonly member: string | null;
}

/** A group, looked at. */
export interface GroupDetails {
  /** Its name. */
  readonly group: string;
  /** Whether it has members. */
  readonly state: GroupActivity;
  /** Rises with every change of who reads what. */
  readonly generation: number;
  /** Its members, by id. */
  readonly members: readonly GroupMember[];
  /** Where it is, by topic and partition. */
  readonly partitions: readonly GroupPartition[];
}

/** Where a group is to go on. */
export interface SeekRequest {
  /** Name of the topic. */
  readonly topic: string;
  /** All unless given. */
  readonly partition?: number;
  /** `start`, `end`, `42`, `-10` (ten before the end), `@2026-11-20T00:00Z`, `@-1h`. */
  readonly to: string;
  /** Although members are reading: they go on from there. */
  readonly force?: boolean;
}

/** A partition in which a group was moved. */
export interface SoughtOffset extends GroupOffset {
  /** The offset that was committed before; `null` where there was none. */
  readonly before: number | null;
}

/** Consumer groups. All methods throw `SeglogError`s; `read-only` where nothing can be written. */
export interface Groups {
  /**
   * Makes somebody a member, and the group with its first one.
   *
   * @throws {SeglogError} `not-found` for a topic that is not there; `invalid-argument`; `overloaded`
   */
  join(group: string, request: JoinRequest): Promise<Membership>;

  /**
   * Says that a member is alive, and what it works on; tells what it should.
   *
   * @throws {SeglogError} `condition-failed` for one that is no member any more: it has to join again
   */
  heartbeat(group: string, request: HeartbeatRequest): Promise<Membership>;

  /** Ends a membership. Nothing happens when there is none. */
  leave(group: string, request: MemberRequest): Promise<void>;

  /**
   * Commits what a member is done with. An offset below the committed one is done already.
   *
   * @returns what is committed now, when that survives as much as an acknowledged record
   * @throws {SeglogError} `condition-failed` when a partition is not the member's any more, or the
   * member is none: it has to join again; `offset-out-of-range` for one past the end
   */
  commit(group: string, request: CommitRequest): Promise<readonly GroupOffset[]>;

  /** All groups, by name. */
  list(): Promise<readonly GroupSummary[]>;

  /** One group. @throws {SeglogError} `not-found` */
  describe(group: string): Promise<GroupDetails>;

  /**
   * Moves a group, making it when there is none.
   *
   * @throws {SeglogError} `condition-failed` while members read the topic, unless forced;
   * `offset-out-of-range`; `not-found` for a topic or partition that is not there
   */
  seek(group: string, request: SeekRequest): Promise<readonly SoughtOffset[]>;

  /**
   * Forgets a group.
   *
   * @throws {SeglogError} `not-found`; `condition-failed` while it has members, unless forced
   */
  remove(group: string, options?: { readonly force?: boolean }): Promise<void>;
}
