/**
 * `kv compact`: removes what nobody can ask for any more.
 *
 * @module
 */
import { compactionNote } from "../compaction_note.ts";
import { openToChange } from "../connect.ts";
import { EXIT_INTERRUPTED, EXIT_OK } from "../exit.ts";
import type { KvCompactOptions } from "../grammar/kv.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";

/** Says on standard error what went. */
export async function compactBucket(
  context: Context,
  { bucket }: KvCompactOptions,
): Promise<number> {
  await using backend = await openToChange(context);
  return await interruptible(context.io, async (signal) => {
    try {
      const done = await backend.compact(bucket, { partition: 0, signal });
      context.output.note(`seglog: ${compactionNote(done)}`);
      return EXIT_OK;
    } catch (error) {
      if (signal.aborted) return EXIT_INTERRUPTED;
      throw error;
    }
  });
}
