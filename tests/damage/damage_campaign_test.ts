import assert from "node:assert/strict";
import { test } from "node:test";
import { damageCampaign } from "./damage_campaign.ts";

test("random damage to random logs is told, or harmless: a slice of the campaign", async (context) => {
  let asked = 0;
  const { cases, counts } = await damageCampaign.run({
    seed: 20261120,
    isOver: () => asked++ === 40,
    note: () => {},
  });
  context.diagnostic(`${cases} cases: ${JSON.stringify(counts)}`);
  for (const verdict of ["refused", "told", "torn tail", "rebuilt hint", "harmless"]) {
    assert.ok(counts[verdict]! > 0, verdict);
  }
});
