/**
 * Crashes after every operation of random lives, with everything that a loss of power may take; then
 * lives that begin with what such a crash has left.
 */
import { Random } from "../support/random.ts";
import type { Campaign, CampaignOptions, CampaignResult } from "../support/campaign.ts";
import { checkImage } from "./check_image.ts";
import { type CrashImage, CrashModel } from "./crash_images.ts";
import { live, type Lived } from "./life.ts";

/** How much is tried. */
export interface CrashEffort {
  /** Steps of each life. */
  readonly steps: number;
  /** Images after each operation, at most. */
  readonly images: number;
  /** Lives that begin with what a crash of the one before has left. */
  readonly generations: number;
  /** Only a topic that is compacted again and again. */
  readonly isCompacting?: boolean;
}

/** What was tried. */
export interface CrashCounts {
  lives: number;
  crashes: number;
  images: number;
}

export const crashCampaign: Campaign = {
  name: "crash",
  async run({ seed, isOver, note }: CampaignOptions): Promise<CampaignResult> {
    const counts = { lives: 0, crashes: 0, images: 0 };
    const effort = { steps: 40, images: 16, generations: 3 };
    for (let life = 0; !isOver(); life++) {
      await liveAndCrash(seed + life, { ...effort, isCompacting: life % 4 === 3 }, counts, isOver);
      note(`${counts.images} images of ${counts.crashes} crashes in ${counts.lives} lives`);
    }
    return { cases: counts.images, counts: { ...counts } };
  },
};

/** Lives one life after another, and crashes each after every operation. */
export async function liveAndCrash(
  seed: number,
  effort: CrashEffort,
  counts: CrashCounts,
  isOver: () => boolean = () => false,
): Promise<void> {
  const random = new Random(seed);
  let start: CrashImage | undefined;
  let valueCount = 0;
  for (let generation = 0; generation < effort.generations && !isOver(); generation++) {
    const { steps, isCompacting = false } = effort;
    const lived = await live(random.fork(), { steps, start, valueCount, isCompacting });
    valueCount = lived.history.valueCount;
    counts.lives++;
    try {
      start = await crashEverywhere(lived, { random, most: effort.images, counts, isOver });
    } catch (cause) {
      const where = `seed ${seed}, generation ${generation}, ${JSON.stringify(effort)}`;
      throw new Error(`${(cause as Error).message}; ${where}`, { cause });
    }
  }
}

/**
 * Checks what a crash after each operation may leave.
 *
 * @returns one of the images, for another life to begin with: one with a torn tail, if there is one
 */
async function crashEverywhere(
  { history, disk }: Lived,
  options: {
    readonly random: Random;
    readonly most: number;
    readonly counts: CrashCounts;
    readonly isOver: () => boolean;
  },
): Promise<CrashImage | undefined> {
  const { random, most, counts, isOver } = options;
  const model = new CrashModel(disk.start);
  const heirAt = random.below(disk.operations.length);
  let heir: CrashImage | undefined;
  let isHeirTorn = false;
  for (const operation of disk.operations) {
    model.advance(operation);
    counts.crashes++;
    for (const image of model.images(random, most)) {
      counts.images++;
      try {
        const isTorn = await checkImage(history, model.count, image) > 0;
        if (model.count >= heirAt && (heir === undefined || (isTorn && !isHeirTorn))) {
          heir = image;
          isHeirTorn = isTorn;
        }
      } catch (cause) {
        const message = `${
          (cause as Error).message
        }: ${image.description}, the last ${operation.kind}`;
        throw new Error(message, { cause });
      }
    }
    if (isOver()) break;
  }
  return heir;
}
