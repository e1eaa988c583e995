/**
 * Commits of a member, one at a time: what is not its own any more is left out, and told.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { Mutex } from "../core/base/mutex.ts";
import type { GroupPlace, Groups } from "../core/group_contract.ts";
import { placeName } from "../core/groups/group_checks.ts";
import type { GroupPart } from "./group_part.ts";
import type { GroupShare } from "./group_share.ts";

/** A partition, and up to where it is done. */
export interface Done {
  readonly part: GroupPart;
  readonly offset: number;
}

/** Whose commits they are. */
export interface Committer {
  readonly member: string;
  /** The coordinator knows of no such member: it is to join again. */
  lose(): void;
  /** Asks at once what is assigned to it. */
  speak(): void;
  /** @throws why nothing can be committed any more */
  check(): void;
}

/** How often one commit waits until it is a member again. */
const REJOINS_MAX = 5;

/** Commits what is done, of partitions that may be somebody else's by now. */
export class GroupCommits {
  readonly #groups: Groups;
  readonly #group: string;
  readonly #share: GroupShare;
  readonly #mutex = new Mutex();
  /** Partitions that were taken away with work that was not committed. */
  readonly #taken = new Set<string>();

  constructor(groups: Groups, group: string, share: GroupShare) {
    this.#groups = groups;
    this.#group = group;
    this.#share = share;
  }

  /** A partition was taken away. */
  take(place: GroupPlace): void {
    this.#taken.add(placeName(place));
  }

  /** Forgets what was taken away. @returns an error that tells of it; `undefined` when nothing was */
  taken(): SeglogError | undefined {
    if (this.#taken.size === 0) return undefined;
    const places = [...this.#taken].join(", ");
    this.#taken.clear();
    return new SeglogError(
      "condition-failed",
      `Cannot commit all in the group "${this.#group}": ${places} went to another member, or was moved, and is read again from what was committed before`,
    );
  }

  /** Commits what `asked` tells, when it is its turn. */
  commit(committer: Committer, asked: () => readonly Done[]): Promise<void> {
    return this.#mutex.run(async () => {
      for (let rejoins = 0; rejoins <= REJOINS_MAX; rejoins++) {
        await this.#member(committer);
        const fresh = asked().filter(({ part, offset }) => offset > part.committed)
          .map(({ part, offset }) => ({ part, offset, since: part.since }));
        if (fresh.length === 0) return;
        try {
          return await this.#send(committer.member, fresh);
        } catch (error) {
          if (!(error instanceof SeglogError) || error.code !== "condition-failed") throw error;
          if (error.details.rejoin === true) committer.lose();
          await this.#member(committer);
          if (error.details.rejoin !== true && this.#leaveOut(error, fresh)) rejoins = 0;
          committer.speak();
        }
      }
      throw new SeglogError(
        "condition-failed",
        `Cannot commit in the group "${this.#group}": the membership is lost again and again`,
      );
    });
  }

  async #send(member: string, fresh: readonly Sent[]): Promise<void> {
    const offsets = fresh.map(({ part: { topic, partition }, offset, since }) => {
      return { topic, partition, offset, since };
    });
    const committed = await this.#groups.commit(this.#group, { member, offsets });
    for (const { part } of fresh) {
      const now = committed.find((one) => placeName(one) === placeName(part));
      part.committed = Math.max(part.committed, now?.offset ?? 0);
    }
  }

  /** Drops the partition that was refused, unless it has come back meanwhile. */
  #leaveOut(error: SeglogError, fresh: readonly Sent[]): boolean {
    const { topic, partition } = error.details;
    const sent = fresh.find(({ part }) => part.topic === topic && part.partition === partition);
    if (sent === undefined) throw error;
    if (!this.#share.has(sent.part) || sent.part.since !== sent.since) return false;
    this.#share.takeAway(sent.part);
    return true;
  }

  /** Resolves when it is a member. */
  async #member(committer: Committer): Promise<void> {
    committer.check();
    while (this.#share.isLost) {
      await this.#share.wait();
      committer.check();
    }
  }
}

interface Sent extends Done {
  readonly since: number;
}
