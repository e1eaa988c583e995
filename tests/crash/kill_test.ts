/** Processes that are killed in the middle of their work: what they had acknowledged is there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findOwners, killOwners } from "./kill_campaign.ts";

const SEED = 1;
const CYCLES = 8;
const { owners, missing } = findOwners();

test(`kill -9 loses nothing acknowledged: ${owners.map(({ name }) => name).join(", ")}`, async () => {
  const counts = await killOwners(owners, { seed: SEED, isOver: (cycle) => cycle >= CYCLES });
  assert.ok(counts.acknowledgements! > 0);
});

for (const why of missing) {
  test("kill -9 of every owner", { skip: why }, () => {});
}
