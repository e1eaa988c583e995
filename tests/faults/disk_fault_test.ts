/** Operations of the disk fail, one at a time and for a while, all through the life of a store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { roundsOf, seedOf } from "../support/share.ts";
import { campaign, describe } from "./fault_campaign.ts";
import { type Ending, type Fault, KINDS, liveThrough } from "./faulty_life.ts";

/** Every so manieth operation fails here; all of them do in the campaign, sooner or later. */
const STRIDE = 4;
const CASES_OF_THE_CAMPAIGN = roundsOf(150);

test("a life without faults acknowledges everything, and meets every kind of operation", async () => {
  for (const ending of ["close", "crash"] as const) {
    const counts = await liveThrough(undefined, ending);
    assert.deepEqual(KINDS.filter((kind) => counts[kind] === undefined), []);
  }
});

for (const kind of KINDS) {
  test(`when a ${kind} fails, every outcome is as it was told, and the store goes on`, async () => {
    const counts = await liveThrough(undefined, "close");
    const count = counts[kind] ?? 0;
    for (let nth = 1; nth <= count; nth += nth < STRIDE ? 1 : STRIDE) {
      const fault: Fault = {
        kind,
        nth,
        code: nth % 3 === 0 ? "disk-full" : "io",
        isLasting: (nth >> 2) % 2 === 0,
      };
      const ending: Ending = (nth >> 3) % 2 === 0 ? "close" : "crash";
      try {
        await liveThrough(fault, ending);
      } catch (cause) {
        throw new Error(`${describe(fault, ending)}: ${cause}`, { cause });
      }
    }
  });
}

test("lives that a seed makes up end well", async () => {
  let left = CASES_OF_THE_CAMPAIGN;
  await campaign.run({ seed: seedOf(1), isOver: () => left-- <= 0, note: () => {} });
});
