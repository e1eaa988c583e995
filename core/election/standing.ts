/**
 * One candidacy: it waits until nobody holds the duty, holds it, renews its lease, and stops before
 * that ends.
 *
 * Clocks of different machines are not compared. Who holds a lease counts from before he asked for
 * it; who waits for it counts from when he saw it, which is later, each by a clock of his own that
 * never jumps. That they count equally fast is all that is assumed.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { ELECTION_LOOKS, ELECTION_RENEWALS, ELECTION_RETRIES } from "../base/limits.ts";
import type { Candidacy, Candidate, DutyHolder } from "../election_contract.ts";
import type { Lease, LeaseRegister } from "./lease.ts";
import { pause, unlessAborted } from "../base/pause.ts";
import { Term } from "./term.ts";

/** What all candidacies of a process share. */
export interface StandingSupport {
  readonly register: LeaseRegister;
  /** Where the process is asked. */
  readonly address: string;
  /** A clock that never jumps. */
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly onNotice: (notice: string) => void;
}

/** A duty that is held. */
interface Held {
  readonly term: Term;
  readonly holder: Promise<DutyHolder>;
}

/** A lease that was got. */
interface Won {
  readonly revision: number;
  readonly until: number;
}

/** Stands for one duty until it is closed. */
export class Standing implements Candidacy {
  /** No other candidacy has it. */
  readonly id: string = crypto.randomUUID();
  /** What it stands for. */
  readonly duty: string;
  readonly #candidate: Candidate;
  readonly #support: StandingSupport;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #held: Held | undefined;

  constructor(duty: string, candidate: Candidate, support: StandingSupport) {
    this.duty = duty;
    this.#candidate = candidate;
    this.#support = support;
    this.#running = this.#run();
  }

  /** Who does it here; `undefined` while that is somebody else, or nobody. */
  async holder(): Promise<{ readonly holder: DutyHolder; readonly term: Term } | undefined> {
    const held = this.#held;
    if (held === undefined || held.term.isOver) return undefined;
    const { term } = held;
    const holder = await unlessAborted(held.holder, term.signal).catch(() => undefined);
    return holder === undefined || term.isOver ? undefined : { holder, term };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    for (;;) {
      const won = await this.#win();
      if (won === undefined) return;
      await this.#serve(won);
    }
  }

  /** Gets the lease, when whoever has it has let go of it or was silent for its time. */
  async #win(): Promise<Won | undefined> {
    const { register, clock, leaseMs } = this.#support;
    let seen = -1;
    let sinceMs = 0;
    let hasFailed = false;
    while (!this.#closing.signal.aborted) {
      let waitMs = leaseMs / ELECTION_LOOKS;
      try {
        const seenNow = await unlessAborted(register.read(this.duty), this.#closing.signal);
        if (seenNow === undefined) return undefined;
        const { revision, lease } = seenNow;
        const nowMs = clock.now();
        if (revision !== seen) sinceMs = nowMs;
        seen = revision;
        const leftMs = lease === undefined || lease.holder === this.id
          ? 0
          : sinceMs + lease.leaseMs - nowMs;
        if (leftMs <= 0) {
          const won = await register.write(this.duty, this.#lease(), revision);
          if (won !== undefined) return { revision: won, until: nowMs + leaseMs };
        }
        waitMs = leftMs > 0 ? Math.min(waitMs, leftMs) : waitMs;
        hasFailed = false;
      } catch (error) {
        if (!hasFailed) this.#tell(`cannot stand for it: ${messageOf(error)}; trying again`);
        hasFailed = true;
      }
      await pause(clock, waitMs, [this.#closing.signal]);
    }
    return undefined;
  }

  async #serve({ revision, until }: Won): Promise<void> {
    const { register, clock, leaseMs } = this.#support;
    const term = new Term(clock, until);
    const holder = (async () => await this.#candidate.take(term.signal))();
    this.#held = { term, holder };
    let hasFailed = false;
    holder.catch((error) => {
      hasFailed = true;
      this.#tell(`cannot begin: ${messageOf(error)}`);
      term.end();
    });
    const last = await this.#renew(term, revision);
    term.end();
    this.#held = undefined;
    await holder.then((held) => held.close()).catch((error) => {
      if (!hasFailed) this.#tell(`did not end well: ${messageOf(error)}`);
    });
    // Nobody has to wait for the rest of the lease.
    if (last !== undefined) await register.write(this.duty, undefined, last).catch(() => {});
    if (hasFailed) await pause(clock, leaseMs, [this.#closing.signal]); // others get their turn
  }

  /** Renews the lease until it is lost, or given up. @returns its revision where it is not lost */
  async #renew(term: Term, first: number): Promise<number | undefined> {
    const { clock, leaseMs } = this.#support;
    const signals = [this.#closing.signal, term.signal];
    let last = first;
    let waitMs = leaseMs / ELECTION_RENEWALS;
    for (;;) {
      await pause(clock, waitMs, signals);
      if (signals.some(({ aborted }) => aborted) || term.isOver) return last;
      const startedMs = clock.now();
      const written = await unlessAborted(this.#write(last), term.signal);
      // Where time is over, it cannot be known what is written.
      if (written === undefined || written === "lost") return undefined;
      if (written.isNew) term.renew(startedMs + leaseMs);
      waitMs = leaseMs / (written.isNew ? ELECTION_RENEWALS : ELECTION_RETRIES);
      last = written.revision;
    }
  }

  /** @returns whether the time counts from now on */
  async #write(last: number): Promise<"lost" | { revision: number; isNew: boolean }> {
    const { register } = this.#support;
    try {
      const revision = await register.write(this.duty, this.#lease(), last);
      if (revision !== undefined) return { revision, isNew: true };
      // It may be its own, of a try whose answer was lost: then it is renewed the next time.
      const seen = await register.read(this.duty);
      return seen.lease?.holder === this.id ? { revision: seen.revision, isNew: false } : "lost";
    } catch {
      return { revision: last, isNew: false };
    }
  }

  #lease(): Lease {
    const { address, leaseMs } = this.#support;
    return { holder: this.id, address, leaseMs };
  }

  #tell(what: string): void {
    this.#support.onNotice(`the duty "${this.duty}" ${what}`);
  }
}
