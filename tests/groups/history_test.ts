import { test } from "node:test";
import { Random } from "../support/random.ts";
import { roundsOf, seedOf } from "../support/share.ts";
import { historyCase } from "./history_campaign.ts";

const SEED = seedOf(20_261_130);
const HISTORIES = roundsOf(40);

test("whoever dies, falls silent or speaks too late: no record is passed over, and no offset goes back", async () => {
  const random = new Random(SEED);
  for (let i = 0; i < HISTORIES; i++) await historyCase(random.fork());
});
