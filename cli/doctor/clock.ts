/**
 * Looks at the clock: records that are from later than now say that it went back, or that it was
 * wrong when they came.
 *
 * @module
 */
import { messageOf } from "../../core/base/errors.ts";
import { Store } from "../../core/store/store.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUE_FILE } from "../../core/format/file_names.ts";
import { formatDuration } from "../units.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** Clocks of producers may differ by so much. */
const AHEAD_MS = 2000;
/** Topics that are looked at. */
const TOPICS_MAX = 100;

/** Whether a store in the folder can be read, and has records from later than now. */
export async function checkClock(folder: string, nowMs: number): Promise<Finding[]> {
  if (!existsSync(join(folder, CATALOGUE_FILE))) return [];
  try {
    await using store = await Store.open(folder, { readOnly: true });
    const topics = (await store.listTopics()).slice(0, TOPICS_MAX);
    for (const { name, config } of topics) {
      for (let partition = 0; partition < config.partitions; partition++) {
        const found = await recordAfter(store, {
          topic: name,
          partition,
          timeMs: nowMs + AHEAD_MS,
        });
        if (found === undefined) continue;
        const ahead = formatDuration(Math.round((found.timestamp - nowMs) / 1000) * 1000);
        return [warn(
          "clock",
          `offset ${found.offset} of "${name}" partition ${partition} is from ${ahead} later than now`,
          "see whether the clock is right; retention keeps such records for as much longer",
        )];
      }
    }
    return [ok("clock", `${new Date(nowMs).toISOString()}, later than the records`)];
  } catch (error) {
    return [fail("store", messageOf(error), "see seglog verify")];
  }
}

async function recordAfter(
  store: Store,
  { topic, partition, timeMs }: { topic: string; partition: number; timeMs: number },
): Promise<{ offset: number; timestamp: number } | undefined> {
  const { nextOffset } = await store.bounds(topic, partition);
  const offset = await store.offsetAt(topic, timeMs, partition);
  return offset < nextOffset ? await store.read(topic, offset, partition) : undefined;
}
