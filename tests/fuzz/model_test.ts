import { describe, test } from "node:test";
import { Random } from "../support/random.ts";
import { roundsOf, seedOf } from "../support/share.ts";
import { modelCase } from "./model_campaign.ts";

const SEED = seedOf(20_261_121);
const SEQUENCES = { memory: roundsOf(50), http: roundsOf(12), disk: roundsOf(4) };

describe("a backend does as an array of records would", () => {
  for (const kind of ["memory", "http", "disk"] as const) {
    test(`${kind}: ${SEQUENCES[kind]} random sequences of operations`, async () => {
      const random = new Random(SEED);
      for (let i = 0; i < SEQUENCES[kind]; i++) await modelCase(kind, random.fork());
    });
  }
});
