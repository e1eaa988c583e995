/**
 * Applies retention to the topics that are in use, by their settings as they are now.
 *
 * @module
 */
import { isNotFound } from "../core/base/errors.ts";
import type { KnownTopics } from "./known_topics.ts";

/**
 * One that is damaged is in no other's way.
 *
 * @param signal ends it quietly
 * @throws the first of what went wrong, when all was tried
 */
export async function maintain(topics: KnownTopics, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  const attempt = async <T>(run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return signal.aborted ? undefined : await run();
    } catch (error) { // a topic that is gone has nothing to let go of
      if (!signal.aborted && !isNotFound(error)) failures.push(error);
    }
  };
  for (const name of topics.used) {
    const topic = await attempt(() => topics.now(name));
    for (let partition = 0; partition < (topic?.info.config.partitions ?? 0); partition++) {
      await attempt(() => topic!.retain(partition, Date.now()));
    }
  }
  if (failures.length > 0) throw failures[0];
}
