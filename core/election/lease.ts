/**
 * What an election by leases needs of the world: a place where leases are kept, which takes a change
 * only of what is the last, and a way to ask another process.
 *
 * @module
 */

/** Who holds a duty, as everybody sees it. */
export interface Lease {
  /** The candidacy that holds it: another one, also of the same process, has another. */
  readonly holder: string;
  /** Where to ask it. */
  readonly address: string;
  /** How long it counts since it was renewed. */
  readonly leaseMs: number;
}

/** The lease of a duty as it was read. */
export interface SeenLease {
  /** Changes with every write, renewals too; 0 where there was none. */
  readonly revision: number;
  /** `undefined` when nobody holds it. */
  readonly lease: Lease | undefined;
}

/** Where leases are kept. */
export interface LeaseRegister {
  /** The last one that was written. @throws {SeglogError} `unavailable`, … */
  read(duty: string): Promise<SeenLease>;

  /**
   * Writes a lease when `revision` is that of the last one.
   *
   * @param lease `undefined` lets go of it
   * @returns its revision; `undefined` when somebody else was faster
   * @throws {SeglogError} when it may have been written or not
   */
  write(duty: string, lease: Lease | undefined, revision: number): Promise<number | undefined>;
}

/** How to ask another process. */
export interface Post {
  /** Where this process is asked. */
  readonly address: string;

  /** Answers what comes to the address. What is asked, and the answers, are values of JSON. @returns ends that */
  receive(answer: (letter: unknown) => Promise<unknown>): () => void;

  /**
   * Asks at an address.
   *
   * @throws {SeglogError} `unavailable` when nobody was there to hear it; `outcome-unknown` when no
   * answer came in time, or the signal ended the waiting
   */
  send(
    address: string,
    letter: unknown,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<unknown>;
}
