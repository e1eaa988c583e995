import { Log, MemoryDisk, type RecordInput } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import type { Random } from "../support/random.ts";
import type { Files } from "./map_disk.ts";
import { filesOf, type LogTruth, truthOf } from "./small_store.ts";

/** A log as files, and all that can be read of it while it is whole. */
export interface RandomLog {
  readonly folder: string;
  readonly files: Files;
  readonly isClosed: boolean;
  readonly truth: LogTruth;
}

/**
 * A log with a life behind it: batches of all sizes and codecs, rolls, truncations from both ends,
 * openings; closed well, or as a kill of the process leaves it.
 */
export async function randomLog(random: Random): Promise<RandomLog> {
  const folder = "/log";
  const disk = new MemoryDisk();
  const clock = new FakeClock();
  const open = () =>
    Log.open(folder, {
      disk,
      clock,
      segmentBytes: random.pick([4096, 8192, 32768]),
      segmentAgeMs: 1000,
      compression: random.pick(["none", "none", "gzip", "zstd"]),
      sync: random.pick(["always", "always", "os"]),
    });
  let log = await open();
  let sequence = 0;
  for (let steps = 3 + random.below(25); steps > 0; steps--) {
    const dice = random.below(20);
    if (dice === 0) {
      await log.close();
      log = await open();
    } else if (dice === 1 && log.nextOffset > log.logStartOffset) {
      await log.truncate({ before: offsetIn(random, log) });
    } else if (dice === 2 && log.nextOffset > log.logStartOffset) {
      await log.truncate({ after: offsetIn(random, log) });
    } else if (dice < 5) clock.advance(random.below(1500));
    else {
      const producer = { id: "p", epoch: 1, sequence };
      const isProduced = random.chance(0.2);
      await log.appendAll(randomRecords(random, clock.now()), isProduced ? { producer } : {});
      if (isProduced) sequence++;
    }
  }
  const killed = filesOf(disk, folder);
  await log.close();
  const isClosed = random.chance(0.5);
  const files = isClosed ? filesOf(disk, folder) : killed;
  return { folder, files, isClosed, truth: await truthOf(disk, folder) };
}

function offsetIn(random: Random, log: Log): number {
  return log.logStartOffset + random.below(log.nextOffset - log.logStartOffset);
}

function randomRecords(random: Random, nowMs: number): RecordInput[] {
  return Array.from({ length: 1 + random.below(random.pick([1, 3, 40])) }, () => {
    const value = random.chance(0.1)
      ? null
      : random.chance(0.3)
      ? "again ".repeat(random.below(200))
      : random.bytes(random.below(random.pick([10, 300, 3000])));
    return {
      value,
      key: random.chance(0.5) ? `key ${random.below(5)}` : undefined,
      headers: random.chance(0.2) ? { trace: `${random.below(1000)}` } : undefined,
      timestamp: random.chance(0.3) ? nowMs + random.below(5000) : undefined,
    };
  });
}
