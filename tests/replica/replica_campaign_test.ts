import assert from "node:assert/strict";
import { test } from "node:test";
import { replicaCampaign } from "./replica_campaign.ts";

const CASES = 30;

test("random replicas have what their source has in the end, whatever came between", async (context) => {
  let asked = 0;
  const { cases, counts } = await replicaCampaign.run({
    seed: 7,
    isOver: () => asked++ === CASES,
    note: () => {},
  });
  context.diagnostic(`${cases} cases: ${JSON.stringify(counts)}`);
  for (const kind of ["closings", "crashes", "asides"]) assert.ok(counts[kind]! > 0, kind);
});
