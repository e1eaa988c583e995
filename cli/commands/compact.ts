/**
 * `compact`: keeps of each key of a topic only the latest record.
 *
 * @module
 */
import { compactionNote } from "../compaction_note.ts";
import { confirmed } from "../confirm.ts";
import { openToChange } from "../connect.ts";
import { EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK } from "../exit.ts";
import type { CompactVerbOptions } from "../grammar/maintain.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";

/** Says on standard error what went; asks first where the topic is not one to be compacted. */
export async function compact(context: Context, options: CompactVerbOptions): Promise<number> {
  const { output } = context;
  const { topic, partition, yes } = options;
  await using backend = await openToChange(context);
  const { config } = await backend.describeTopic(topic);
  const question = `Remove all records of "${topic}" that later ones with the same key replace?`;
  if (config.compaction === "none" && !yes && !await confirmed(context, question)) {
    output.note("seglog: nothing was removed");
    return EXIT_ERROR;
  }
  return await interruptible(context.io, async (signal) => {
    try {
      const done = await backend.compact(topic, {
        signal,
        ...partition === undefined ? {} : { partition },
      });
      output.note(`seglog: ${compactionNote(done)}`);
      return EXIT_OK;
    } catch (error) {
      if (signal.aborted) return EXIT_INTERRUPTED;
      throw error;
    }
  });
}
