/**
 * Random operations on a backend and on a plain-array model of it, compared after each one.
 *
 * @module
 */
import { messageOf } from "../../core/base/errors.ts";
import type { Campaign, CampaignOptions, CampaignResult } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { type Operation, randomOperations } from "./model/operation.ts";
import { runOperations } from "./model/run.ts";
import { shrunk } from "./model/shrink.ts";
import type { SubjectKind } from "./model/subject.ts";

const OPERATIONS = 80;
const SHRINKING_RUNS_MAX = 400;

export const modelCampaign: Campaign = { name: "model", run };

async function run(options: CampaignOptions): Promise<CampaignResult> {
  const random = new Random(options.seed);
  const counts: Record<string, number> = {};
  let cases = 0;
  while (!options.isOver()) {
    const kind = random.pick<SubjectKind>(["memory", "memory", "memory", "http", "disk"]);
    await modelCase(kind, random.fork());
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (++cases % 500 === 0) options.note(`${cases} sequences`);
  }
  return { cases, counts };
}

/** One sequence. @throws when backend and model differ: the seed, and the shortest way to it */
export async function modelCase(kind: SubjectKind, seed: number): Promise<void> {
  const operations = randomOperations(new Random(seed), OPERATIONS);
  const failure = await failureOf(kind, operations);
  if (failure === undefined) return;
  const shortest = await shrunk(
    operations,
    async (steps) => await failureOf(kind, steps) !== undefined,
    SHRINKING_RUNS_MAX,
  );
  const cause = await failureOf(kind, shortest) ?? failure;
  const list = shortest.map((operation) => JSON.stringify(operation)).join("\n");
  throw new Error(`model, ${kind}, seed ${seed}: ${messageOf(cause)}\n${list}`, { cause });
}

async function failureOf(kind: SubjectKind, steps: readonly Operation[]): Promise<unknown> {
  try {
    await runOperations(kind, steps);
    return undefined;
  } catch (error) {
    return error;
  }
}
