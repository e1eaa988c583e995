import { test } from "node:test";
import { repairCampaign } from "./repair_campaign.ts";

const CASES = 300;

test("random logs, damaged at random, are repaired with no loss but that of what was damaged", async () => {
  let cases = 0;
  await repairCampaign.run({ seed: 1, isOver: () => cases++ === CASES, note: () => {} });
});
