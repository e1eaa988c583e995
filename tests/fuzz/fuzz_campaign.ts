/**
 * Every target in turn, with inputs that are changed again and again. What breaks a promise is kept
 * in the corpus, and replayed from then on.
 *
 * @module
 */
import { Random } from "../support/random.ts";
import type { Campaign, CampaignOptions, CampaignResult } from "../support/campaign.ts";
import { Fuzzing } from "./fuzz.ts";
import type { FuzzTarget } from "./target.ts";
import { batchTarget } from "./targets/batch.ts";
import { catalogueTarget } from "./targets/catalogue.ts";
import { httpTarget } from "./targets/http.ts";
import { indexTarget } from "./targets/index.ts";
import { manifestTarget } from "./targets/manifest.ts";
import { segmentTarget } from "./targets/segment.ts";
import { shapeTarget } from "./targets/shape.ts";

/** All that reads bytes from outside. */
export const TARGETS: readonly FuzzTarget[] = [
  batchTarget,
  segmentTarget,
  manifestTarget,
  catalogueTarget,
  indexTarget,
  shapeTarget,
  httpTarget,
];

/** Cases of one target before the next has its turn. */
const TURN = 50;

export const fuzzCampaign: Campaign = { name: "fuzz", run };

async function run(options: CampaignOptions): Promise<CampaignResult> {
  const random = new Random(options.seed);
  const fuzzings = TARGETS.map((target) => new Fuzzing(target));
  let cases = 0;
  while (!options.isOver()) {
    for (const fuzzing of fuzzings) {
      for (let i = 0; i < TURN && !options.isOver(); i++) {
        await fuzzing.step(random.fork());
        cases++;
      }
    }
    if (cases % (20 * TURN * TARGETS.length) === 0) options.note(`${cases} cases`);
  }
  const counts = fuzzings.flatMap(({ target, counts }) =>
    [...counts].map(([kind, count]): [string, number] => [`${target.name} ${kind}`, count])
  );
  return { cases, counts: Object.fromEntries(counts) };
}
