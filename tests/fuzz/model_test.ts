import { describe, test } from "node:test";
import { Random } from "../support/random.ts";
import { modelCase } from "./model_campaign.ts";

const SEED = 20_261_121;
const SEQUENCES = { memory: 50, http: 12, disk: 4 } as const;

describe("a backend does as an array of records would", () => {
  for (const kind of ["memory", "http", "disk"] as const) {
    test(`${kind}: ${SEQUENCES[kind]} random sequences of operations`, async () => {
      const random = new Random(SEED);
      for (let i = 0; i < SEQUENCES[kind]; i++) await modelCase(kind, random.fork());
    });
  }
});
