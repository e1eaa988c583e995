/** A backup beside an owner who does everything that an owner may do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backupCampaign } from "./backup_campaign.ts";

const CASES = 40;
const SEED = 20261125;

test("whatever its owner does meanwhile, a snapshot is the store as it was at one moment", async () => {
  let left = CASES;
  const { counts } = await backupCampaign.run({
    seed: SEED,
    isOver: () => left-- === 0,
    note: () => {},
  });
  assert.ok(counts.snapshots! > CASES, "there was more than one snapshot in a life");
  assert.ok(counts.linked! > 0 && counts.changed! > 0);
});
