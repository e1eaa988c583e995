/**
 * A membership of a group that is kept alive in the background: heartbeats, and joining again after
 * it was lost.
 *
 * @module
 */
import { sleep } from "../core/base/clock.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { GroupPlace, Groups, JoinRequest, Membership } from "../core/group_contract.ts";

/** Pause after a heartbeat that failed. */
const PAUSE_MS = 500;
/** Heartbeats within the time of a lease. */
const BEATS = 3;

/** Who is told what becomes of a membership. */
export interface MembershipOptions {
  /** What the member works on. */
  readonly holds: () => readonly GroupPlace[];
  /** What it is to work on. */
  readonly onTold: (membership: Membership) => void;
  /** Nobody has heard of it for so long that others may have what it works on. */
  readonly onLost: () => void;
  /** It is over, for good. */
  readonly onFailure: (error: unknown) => void;
  /** Is told, in a sentence, what is tried again. */
  readonly onNotice: (notice: string) => void;
}

/** Keeps one membership alive until it is closed. */
export class GroupMembership {
  readonly #groups: Groups;
  readonly #group: string;
  readonly #request: JoinRequest;
  readonly #options: MembershipOptions;
  readonly #ending = new AbortController();
  #waiting = new AbortController();
  #last: Membership;
  /** When it was last heard of. */
  #heardMs = Date.now();
  #isLost = false;
  readonly #beating: Promise<void>;

  private constructor(
    groups: Groups,
    group: string,
    parts: { request: JoinRequest; first: Membership; options: MembershipOptions },
  ) {
    this.#groups = groups;
    this.#group = group;
    this.#request = parts.request;
    this.#options = parts.options;
    this.#last = parts.first;
    this.#options.onTold(parts.first);
    this.#beating = this.#beat();
  }

  /** Joins a group. @throws {SeglogError} as `Groups.join` */
  static async join(
    groups: Groups,
    group: string,
    { request, options }: { request: JoinRequest; options: MembershipOptions },
  ): Promise<GroupMembership> {
    const first = await groups.join(group, request);
    return new GroupMembership(groups, group, { request, first, options });
  }

  /** Id of the member. */
  get member(): string {
    return this.#request.member;
  }

  /** How many partitions it is going to have that others still have to give up. */
  get awaited(): number {
    return this.#last.awaited;
  }

  /** Says at once what the member works on now. */
  speak(): void {
    this.#waiting.abort();
  }

  /** The coordinator knows of no such member: it joins again. */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#options.onLost();
    this.speak();
  }

  /** @throws {SeglogError} `closed` */
  checkOpen(): void {
    if (!this.#ending.signal.aborted) return;
    throw new SeglogError("closed", `Cannot commit in the group "${this.#group}": it was left`);
  }

  /** Leaves the group. Where that cannot be said, the lease ends by itself. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#waiting.abort();
    await this.#beating;
    try {
      await this.#groups.leave(this.#group, { member: this.member });
    } catch (error) {
      this.#options.onNotice(`the group "${this.#group}" was not left: ${messageOf(error)}`);
    }
  }

  async #beat(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      this.#waiting = new AbortController();
      try {
        const told = this.#isLost ? await this.#join() : await this.#say(this.#waiting.signal);
        this.#heardMs = Date.now();
        this.#isLost = false;
        if (signal.aborted) return;
        this.#last = told;
        this.#options.onTold(told);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#waiting.signal.aborted) continue;
        if (isOver(error)) return this.#options.onFailure(error);
        if (error instanceof SeglogError && error.code === "condition-failed") {
          this.lose();
          continue;
        }
        this.#options.onNotice(`${messageOf(error)}; trying again`);
        if (Date.now() - this.#heardMs >= this.#last.leaseMs) this.lose();
        await sleep(PAUSE_MS, signal);
      }
    }
  }

  #say(signal: AbortSignal): Promise<Membership> {
    const { member, generation, leaseMs } = this.#last;
    const holds = this.#options.holds();
    const waitMs = Math.floor(leaseMs / BEATS);
    return this.#groups.heartbeat(this.#group, { member, generation, holds, waitMs, signal });
  }

  #join(): Promise<Membership> {
    return this.#groups.join(this.#group, this.#request);
  }
}

/** Codes of what trying again cannot help, among them that of a backend that was closed here. */
const FINAL = new Set([
  "not-found",
  "invalid-argument",
  "unauthenticated",
  "forbidden",
  "read-only",
  "unsupported",
  "closed",
]);

function isOver(error: unknown): boolean {
  return !(error instanceof SeglogError) || FINAL.has(error.code);
}
