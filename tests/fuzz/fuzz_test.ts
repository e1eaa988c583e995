import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keptInputs } from "./corpus.ts";
import { Fuzzing } from "./fuzz.ts";
import { TARGETS } from "./fuzz_campaign.ts";
import { Random } from "../support/random.ts";
import { roundsOf, seedOf } from "../support/share.ts";

const SEED = seedOf(20_261_120);
const CASES = { batch: 1500, segment: 600, manifest: 400, catalogue: 400, index: 100, http: 300 };
const CASES_DEFAULT = 1500;

describe("what once broke a promise", () => {
  for (const target of TARGETS) {
    const kept = keptInputs(target);
    if (kept.length === 0) continue;
    test(`${target.name}: ${kept.length} kept inputs`, async () => {
      for (const { name, bytes } of kept) {
        await assert.doesNotReject(async () => await target.check(bytes), `${target.name}/${name}`);
      }
    });
  }
});

describe("inputs that are nearly right are read as they are, or refused with a code", () => {
  for (const target of TARGETS) {
    test(target.name, async () => {
      for (const seed of target.seeds) await target.check(seed);
      const fuzzing = new Fuzzing(target);
      const random = new Random(SEED);
      const cases = roundsOf(CASES[target.name as keyof typeof CASES] ?? CASES_DEFAULT);
      for (let i = 0; i < cases; i++) await fuzzing.step(random.fork());
      assert.ok(fuzzing.counts.size >= 2, "some are taken, some are not");
    });
  }
});
