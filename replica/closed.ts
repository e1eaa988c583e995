/**
 * What becomes of waiting when a replica is closed.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { unlessAborted } from "../core/base/pause.ts";

/** What an answer is, unless the replica is closed before: nobody waits for a source then. @throws `closed` */
export async function unlessClosed<Answer>(
  answering: Promise<Answer>,
  ending: AbortSignal,
): Promise<Answer> {
  const answer = await unlessAborted(answering, ending);
  if (answer === undefined) throw closed();
  return answer;
}

/** `closed`. */
export function closed(): SeglogError {
  return new SeglogError("closed", "Cannot follow any more: the replica is closed");
}
