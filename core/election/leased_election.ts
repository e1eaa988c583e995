/**
 * An election by leases.
 *
 * @module
 */
import { type Clock, steadyClock, wakefulClock } from "../base/clock.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import {
  ELECTION_ANSWER_MS,
  ELECTION_ASK_AGAIN_MS,
  ELECTION_LEASE_MS,
  ELECTION_WAIT_MS,
} from "../base/limits.ts";
import type { Candidacy, Candidate, DutyRequestOptions, Election } from "../election_contract.ts";
import type { Lease, LeaseRegister, Post } from "./lease.ts";
import { pause } from "../base/pause.ts";
import { Standing } from "./standing.ts";
import { faultOf, tellFault, type ToldFault } from "./told_fault.ts";

/** What an election is made of. */
export interface LeasedElectionParts {
  readonly register: LeaseRegister;
  readonly post: Post;
  /** Throws why nobody can be asked yet, where that is so. */
  readonly check?: () => void;
  /** A clock that never jumps; the machine's unless given. */
  readonly clock?: Clock;
  /** How long a lease counts; {@linkcode ELECTION_LEASE_MS} unless given. */
  readonly leaseMs?: number;
  /** Is told, in a sentence, what failed where nobody waited for it. */
  readonly onNotice?: (notice: string) => void;
}

/** What is asked of another process. */
interface Letter {
  readonly holder: string;
  readonly question: unknown;
}

/** What it says: the answer, why there is none, or that it is not, or not any more, the holder. */
type Reply =
  | { readonly answer: unknown }
  | { readonly fault: ToldFault }
  | { readonly isGone: true };

/** Nobody was there who could answer: nothing was done. */
class Gone {
  /** Why it could not be seen who is. */
  readonly why: unknown;

  constructor(why?: unknown) {
    this.why = why;
  }
}

const GONE = new Gone();

/** Elects by leases, and asks whoever has one. */
export class LeasedElection implements Election {
  readonly #parts: Required<LeasedElectionParts>;
  readonly #standings = new Set<Standing>();
  /** Who was found to hold a duty. */
  readonly #known = new Map<string, Lease>();
  #endReceiving: (() => void) | undefined;

  constructor({ check, clock, leaseMs, onNotice, ...parts }: LeasedElectionParts) {
    this.#parts = {
      ...parts,
      check: check ?? (() => {}),
      clock: clock ?? steadyClock,
      leaseMs: leaseMs ?? ELECTION_LEASE_MS,
      onNotice: onNotice ?? (() => {}),
    };
  }

  campaign(duty: string, candidate: Candidate): Candidacy {
    const { post } = this.#parts;
    this.#endReceiving ??= post.receive((letter) => this.#answer(letter as Letter));
    const standing = new Standing(duty, candidate, { ...this.#parts, address: post.address });
    this.#standings.add(standing);
    const close = async () => {
      await standing.close();
      this.#standings.delete(standing);
    };
    return { close, [Symbol.asyncDispose]: close };
  }

  async request(
    duty: string,
    question: unknown,
    options: DutyRequestOptions = {},
  ): Promise<unknown> {
    const { check, clock } = this.#parts;
    const { waitMs = 0, signal } = options;
    check();
    const until = clock.now() + waitMs + ELECTION_WAIT_MS;
    for (;;) {
      const answer = await this.#ask(duty, question, options);
      if (!(answer instanceof Gone)) return answer;
      if (clock.now() >= until) throw nobody(duty, answer.why);
      const patience = clock === steadyClock ? wakefulClock : clock;
      await pause(patience, ELECTION_ASK_AGAIN_MS, [signal]);
      if (signal?.aborted) throw ended(duty);
    }
  }

  /** Ends all candidacies, and answers nobody any more. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#standings, (standing) => standing.close()));
    this.#endReceiving?.();
  }

  async #ask(
    duty: string,
    question: unknown,
    { waitMs = 0, repeatable = false, signal }: DutyRequestOptions,
  ): Promise<unknown> {
    for (const standing of this.#standings) {
      if (standing.duty !== duty) continue;
      const answer = await this.#askHere(standing, question, signal);
      if (answer !== GONE) return answer;
    }
    let lease = this.#known.get(duty);
    try {
      lease ??= await this.#look(duty);
    } catch (why) {
      return new Gone(why);
    }
    if (lease === undefined) return GONE;
    if (signal?.aborted) throw ended(duty);
    const { post } = this.#parts;
    const letter: Letter = { holder: lease.holder, question };
    const timeoutMs = waitMs + ELECTION_ANSWER_MS;
    let reply: Reply;
    try {
      const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
      reply = await post.send(lease.address, letter, options) as Reply;
    } catch (error) {
      this.#known.delete(duty);
      if (signal?.aborted && repeatable) throw ended(duty);
      const isUnheard = error instanceof SeglogError && error.code === "unavailable";
      if (isUnheard || repeatable) return GONE;
      throw error;
    }
    if ("answer" in reply) return reply.answer;
    if ("fault" in reply) throw faultOf(reply.fault);
    this.#known.delete(duty);
    return GONE;
  }

  /** Asks a candidacy of this process. */
  async #askHere(
    standing: Standing,
    question: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const found = await standing.holder();
    if (found === undefined) return GONE;
    try {
      return await found.holder.answer(question, signal);
    } catch (error) {
      // What ended with its term before it began, another one does.
      const { aborted } = found.term.signal;
      if (aborted && error instanceof SeglogError && error.code === "unavailable") return GONE;
      throw error;
    }
  }

  /** Who else holds a duty. @throws why that cannot be seen */
  async #look(duty: string): Promise<Lease | undefined> {
    const { lease } = await this.#parts.register.read(duty);
    const isOwn = [...this.#standings].some(({ id }) => id === lease?.holder);
    if (lease === undefined || isOwn) return undefined; // its own has been asked
    this.#known.set(duty, lease);
    return lease;
  }

  async #answer({ holder, question }: Letter): Promise<Reply> {
    const standing = [...this.#standings].find(({ id }) => id === holder);
    if (standing === undefined) return { isGone: true };
    try {
      const answer = await this.#askHere(standing, question);
      return answer === GONE ? { isGone: true } : { answer };
    } catch (error) {
      return { fault: tellFault(error) };
    }
  }
}

function nobody(duty: string, why: unknown): SeglogError {
  const waited = `${ELECTION_WAIT_MS / 1000} s`;
  return new SeglogError(
    "unavailable",
    why === undefined
      ? `Cannot ask who does "${duty}": no process that serves these topics has done it for ${waited}; try again`
      : `Cannot ask who does "${duty}", nor see for ${waited} who that is: ${messageOf(why)}`,
    { details: { duty }, cause: why },
  );
}

function ended(duty: string): SeglogError {
  return new SeglogError(
    "unavailable",
    `Cannot wait for the answer of who does "${duty}": the waiting was ended`,
    { details: { duty } },
  );
}
