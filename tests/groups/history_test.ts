import { test } from "node:test";
import { History } from "./history.ts";

const HISTORIES = 100;
const STEPS = 150;

test("whoever dies, falls silent or speaks too late: no record is passed over, and no offset goes back", async () => {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    try {
      await History.run(seed, STEPS);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
