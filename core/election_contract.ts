/**
 * The contract of elections: of several processes that serve the same topics, one does what can be
 * done by one at a time, and the others ask it.
 *
 * What is elected by leases can be two for a moment: whoever holds a duty may not know yet that
 * another does. What must not happen twice is refused by the log itself, as commits of groups are.
 *
 * @module
 */

/** What is done by one process at a time. */
export interface Candidate {
  /**
   * Called when it is elected.
   *
   * @param deposed aborted when it is no more, or withdraws
   * @returns who does it, until that
   * @throws why it cannot: then others get their turn
   */
  take(deposed: AbortSignal): DutyHolder | Promise<DutyHolder>;
}

/** Whoever does it. */
export interface DutyHolder {
  /**
   * Answers what somebody asks, here or in another process.
   *
   * @param question a value of JSON, as `request` was given it
   * @param signal nobody waits for the answer any more, where that is known
   * @returns a value of JSON
   */
  answer(question: unknown, signal?: AbortSignal): Promise<unknown>;
  /** Ends it. Where it was not deposed, the next one begins after that. */
  close(): Promise<void>;
}

/** Standing for a duty, until it is closed. */
export interface Candidacy extends AsyncDisposable {
  /** Withdraws: ends what is done, and lets others do it at once. */
  close(): Promise<void>;
}

/** How to ask. */
export interface DutyRequestOptions {
  /** How much longer than usual the answer may take: what is asked waits so long. Not at all unless given. */
  readonly waitMs?: number;
  /** Whether it may be asked again when the answer was lost: it comes to the same. */
  readonly repeatable?: boolean;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Elections among the processes that serve the same topics. */
export interface Election {
  /**
   * Stands for a duty.
   *
   * @param duty its name, 1 to 200 bytes; all who stand for the same do the same
   */
  campaign(duty: string, candidate: Candidate): Candidacy;

  /**
   * Asks whoever holds a duty, and waits for a while where nobody does.
   *
   * @param question a value of JSON
   * @returns a value of JSON
   * @throws {SeglogError} what the holder throws, with its code, message and details; `unavailable`
   * when nobody holds the duty for so long, or the waiting was ended; `outcome-unknown` when the
   * answer was lost of what is not repeatable
   */
  request(duty: string, question: unknown, options?: DutyRequestOptions): Promise<unknown>;
}
