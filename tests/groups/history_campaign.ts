/**
 * Histories of groups, one after another.
 *
 * @module
 */
import { messageOf } from "../../core/base/errors.ts";
import type { Campaign, CampaignOptions, CampaignResult } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { History } from "./history.ts";
import { rivalsCase } from "./rivals.ts";

const STEPS = 150;
/** After so many histories, one of coordinators that do not know of each other. */
const RIVALS_EACH = 4;

export const historyCampaign: Campaign = { name: "groups", run };

async function run(options: CampaignOptions): Promise<CampaignResult> {
  const random = new Random(options.seed);
  let cases = 0;
  while (!options.isOver()) {
    await historyCase(random.fork());
    if (cases % RIVALS_EACH === 0) await rivalsCase(random.fork());
    if (++cases % 1000 === 0) options.note(`${cases} histories`);
  }
  return { cases, counts: { steps: cases * STEPS } };
}

/** One history. @throws when a promise is broken: the seed shows it again */
export async function historyCase(seed: number): Promise<void> {
  try {
    await History.run(seed, STEPS);
  } catch (cause) {
    throw new Error(`groups, seed ${seed}: ${messageOf(cause)}`, { cause });
  }
}
