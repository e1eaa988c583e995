/**
 * Standing for a duty as soon as that makes sense.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { Candidacy, Candidate, Election } from "./election_contract.ts";

/** Stands for a duty: a copy does when it has everything that there was. */
export function standFor(
  { election, following }: {
    readonly election: Election;
    readonly following: Backend["following"];
  },
  duty: string,
  candidate: Candidate,
): Candidacy {
  if (following === undefined || following.isReady) return election.campaign(duty, candidate);
  let candidacy: Candidacy | undefined;
  let isClosed = false;
  following.ready.then(() => {
    if (!isClosed) candidacy = election.campaign(duty, candidate);
  });
  const close = async () => {
    isClosed = true;
    await candidacy?.close();
  };
  return { close, [Symbol.asyncDispose]: close };
}
