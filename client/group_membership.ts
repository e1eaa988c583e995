/**
 * A membership of a group that is kept alive in the background: heartbeats, and joining again after
 * it was lost.
 *
 * @module
 */
import { sleep, systemClock } from "../core/base/clock.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { GroupPlace, Groups, JoinRequest, Membership } from "../core/group_contract.ts";

/** Pause after a heartbeat that failed. */
const PAUSE_MS = 500;
/** Heartbeats within the time of a lease. */
const BEATS = 3;
/** Pause after an answer that should have been waited for, as from a server that stops. */
const EARLY_MS = 250;

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
  #isLost = false;
  #cancelLease: () => void = () => {};
  readonly #beating: Promise<void>;

  private constructor(
    groups: Groups,
    group: string,
    parts: {
      request: JoinRequest;
      first: Membership;
      sentMs: number;
      options: MembershipOptions;
    },
  ) {
    this.#groups = groups;
    this.#group = group;
    this.#request = parts.request;
    this.#options = parts.options;
    this.#last = parts.first;
    this.#lease(parts.sentMs);
    this.#options.onTold(parts.first);
    this.#beating = this.#beat();
  }

  /** Joins a group. @throws {SeglogError} as `Groups.join` */
  static async join(
    groups: Groups,
    group: string,
    { request, options }: { request: JoinRequest; options: MembershipOptions },
  ): Promise<GroupMembership> {
    const sentMs = Date.now();
    const first = await groups.join(group, request);
    return new GroupMembership(groups, group, { request, first, sentMs, options });
  }

  /** Id of the member. */
  get member(): string {
    return this.#request.member;
  }

  /** Says at once what the member works on now. */
  speak(): void {
    this.#waiting.abort();
  }

  /** It is no member any more, or nobody can tell: it joins again. */
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
    this.#cancelLease();
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
      const sentMs = Date.now();
      try {
        const told = this.#isLost ? await this.#join() : await this.#say(this.#waiting.signal);
        if (signal.aborted) return;
        this.#isLost = false;
        this.#lease(sentMs);
        const isEarly = told.generation === this.#last.generation &&
          !this.#waiting.signal.aborted &&
          Date.now() - sentMs < told.leaseMs / BEATS / 2;
        this.#last = told;
        this.#options.onTold(told);
        if (isEarly) await sleep(EARLY_MS, this.#waiting.signal);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#waiting.signal.aborted) continue;
        if (isOver(error)) return this.#options.onFailure(error);
        if (error instanceof SeglogError && error.code === "condition-failed") {
          this.lose();
          continue;
        }
        this.#options.onNotice(`${messageOf(error)}; trying again`);
        await sleep(PAUSE_MS, signal);
      }
    }
  }

  /** The lease begins when the coordinator hears of the member: after it was said, before the answer. */
  #lease(sentMs: number): void {
    this.#cancelLease();
    const leftMs = Math.max(0, sentMs + this.#last.leaseMs - Date.now());
    this.#cancelLease = systemClock.after(leftMs, () => this.lose());
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
