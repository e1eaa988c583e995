import { test } from "node:test";
import { Random } from "../support/random.ts";
import { rivalsCase } from "./rivals.ts";

const SEED = 20_261_201;
const HISTORIES = 60;

test("coordinators that each take themselves for the only one never mix: no offset goes back, a partition has one owner", async () => {
  const random = new Random(SEED);
  for (let i = 0; i < HISTORIES; i++) await rivalsCase(random.fork());
});
