import assert from "node:assert/strict";
import { test } from "node:test";
import { SeglogError } from "../../mod.ts";
import type { Candidate } from "../../core/election_contract.ts";
import { rejectsWith } from "../support/collect.ts";
import { type ElectionNode, Electorate, LEASE_MS } from "../support/electorate.ts";

const DUTY = "counting";
/** Longer than a lease, by less than the time in which it is looked at. */
const TAKEN_OVER_MS = LEASE_MS + LEASE_MS / 3;

/** Stands for a duty, and says who answers. */
class Clerk {
  readonly node: ElectionNode;
  readonly name: string;
  /** What was told to it, in order. */
  readonly seen: string[] = [];
  deposed: AbortSignal | undefined;
  readonly withdraw: () => Promise<void>;

  constructor(node: ElectionNode, name: string, options: Partial<Candidate> = {}) {
    this.node = node;
    this.name = name;
    const candidacy = node.election.campaign(DUTY, {
      take: (deposed) => {
        this.seen.push("elected");
        this.deposed = deposed;
        deposed.addEventListener("abort", () => this.seen.push("deposed"));
        return {
          answer: (question) => this.#answer(question),
          close: () => Promise.resolve(void this.seen.push("closed")),
        };
      },
      ...options,
    });
    this.withdraw = () => candidacy.close();
  }

  get isHolding(): boolean {
    return this.deposed?.aborted === false;
  }

  async #answer(question: unknown): Promise<unknown> {
    this.seen.push(`asked ${JSON.stringify(question)}`);
    if (question === "fail") {
      throw new SeglogError("quota-full", "Cannot count: all is full", { details: { limit: 3 } });
    }
    if (question === "hang") await new Promise(() => {});
    return { name: this.name };
  }
}

/** Two that stand for the same, of which the first was elected. */
async function two(electorate: Electorate): Promise<[Clerk, Clerk]> {
  const first = new Clerk(electorate.node(), "first");
  await electorate.untilSo(() => first.isHolding);
  return [first, new Clerk(electorate.node(), "second")];
}

function ask(electorate: Electorate, clerk: Clerk, question: unknown = 1, options = {}) {
  return electorate.until(clerk.node.election.request(DUTY, question, options));
}

test("one is elected, and is asked wherever somebody asks", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  await electorate.pass(3 * LEASE_MS);
  assert.deepEqual([first.isHolding, second.isHolding], [true, false]);
  for (const clerk of [first, second]) {
    assert.deepEqual(await ask(electorate, clerk, { a: [1, null, "x"] }), { name: "first" });
  }
  const stranger = electorate.node();
  assert.deepEqual(await electorate.until(stranger.election.request(DUTY, 2)), { name: "first" });
});

test("an error keeps its code, its message and its details on its way", async () => {
  await using electorate = new Electorate();
  const [, second] = await two(electorate);
  const error = await rejectsWith("quota-full", () => ask(electorate, second, "fail"));
  assert.deepEqual([error.message, error.details], ["Cannot count: all is full", { limit: 3 }]);
});

test("who withdraws ends first, and the next one begins at once", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  await electorate.pass(LEASE_MS);
  await electorate.until(first.withdraw());
  assert.deepEqual(first.seen, ["elected", "deposed", "closed"]);
  await electorate.pass(LEASE_MS / 3);
  assert.ok(second.isHolding);
  assert.deepEqual(await ask(electorate, second), { name: "second" });
});

test("when the holder dies another takes over when its lease is over, and not before", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  await electorate.pass(2 * LEASE_MS);
  Object.assign(first.node, { isCut: true, isStill: true });
  await electorate.pass(LEASE_MS / 2);
  assert.ok(!second.isHolding);
  const asked = second.node.election.request(DUTY, 1, { repeatable: true });
  await electorate.pass(TAKEN_OVER_MS - LEASE_MS / 2);
  assert.ok(second.isHolding);
  assert.deepEqual(await electorate.until(asked), { name: "second" }, "who had asked has waited");
});

test("who stood still and comes back is deposed, and asks the other one", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  first.node.isStill = true;
  await electorate.pass(2 * LEASE_MS);
  assert.deepEqual([first.isHolding, second.isHolding], [true, true], "it does not know yet");
  first.node.isStill = false;
  await electorate.pass(LEASE_MS);
  assert.deepEqual(first.seen, ["elected", "deposed", "closed"]);
  assert.deepEqual(await ask(electorate, first), { name: "second" });
  await electorate.pass(3 * LEASE_MS);
  assert.deepEqual(second.seen, ["elected", "asked 1"], "and the other one goes on");
});

test("who cannot renew its lease ends before another begins", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  await electorate.pass(LEASE_MS);
  first.node.isCut = true;
  await electorate.untilSo(() => !first.isHolding);
  assert.ok(!second.isHolding);
  await electorate.untilSo(() => second.isHolding);
  first.node.isCut = false;
  await electorate.pass(2 * LEASE_MS);
  assert.deepEqual([first.isHolding, second.isHolding], [false, true]);
});

test("who was elected by a late answer ends before another begins", async () => {
  await using electorate = new Electorate();
  const node = electorate.node();
  node.answersAfterMs = LEASE_MS / 2;
  const first = new Clerk(node, "first");
  const second = new Clerk(electorate.node(), "second");
  await electorate.untilSo(() => first.isHolding);
  node.isCut = true;
  await electorate.untilSo(() => second.isHolding);
  assert.ok(!first.isHolding);
});

test("who renewed its lease by a late answer ends before another begins", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  first.node.answersAfterMs = LEASE_MS / 2;
  await electorate.pass(LEASE_MS + LEASE_MS / 4);
  assert.ok(first.isHolding, "a late answer renews it");
  first.node.isCut = true;
  await electorate.untilSo(() => second.isHolding);
  assert.ok(!first.isHolding);
});

test("who has several duties is asked for each", async () => {
  await using electorate = new Electorate();
  const node = electorate.node();
  for (const duty of ["counting", "weighing"]) {
    node.election.campaign(duty, {
      take: () => ({ answer: () => Promise.resolve(duty), close: () => Promise.resolve() }),
    });
  }
  const { election } = electorate.node();
  for (const duty of ["weighing", "counting"]) {
    assert.equal(await electorate.until(election.request(duty, 1)), duty);
  }
});

test("a lease is kept over a renewal whose answer was lost, and over one that did not arrive", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  for (let i = 0; i < 5; i++) {
    first.node.losesAnswer = true;
    await electorate.pass(LEASE_MS / 3);
    first.node.isCut = true;
    await electorate.pass(LEASE_MS / 3);
    first.node.isCut = false;
    await electorate.pass(LEASE_MS / 3);
  }
  assert.deepEqual([first.seen, second.seen], [["elected"], []]);
});

test("a lease that was got by a write whose answer was lost is held", async () => {
  await using electorate = new Electorate();
  const node = electorate.node();
  node.losesAnswer = true;
  const clerk = new Clerk(node, "one");
  await electorate.untilSo(() => clerk.isHolding);
});

test("where nobody holds the duty it is waited for somebody, and then it is unavailable", async () => {
  await using electorate = new Electorate();
  const { election, clock } = electorate.node();
  const before = clock.now();
  const asking = electorate.until(election.request(DUTY, 1));
  await rejectsWith("unavailable", () => asking);
  assert.ok(clock.now() - before >= 2 * LEASE_MS);
  const ending = new AbortController();
  const waiting = election.request(DUTY, 1, { signal: ending.signal });
  ending.abort();
  await rejectsWith("unavailable", () => electorate.until(waiting));
});

test("where it cannot be seen who holds the duty, that is why nobody is asked", async () => {
  await using electorate = new Electorate();
  const node = electorate.node();
  const refusal = () =>
    rejectsWith("unavailable", () => electorate.until(node.election.request(DUTY, 1)));
  node.isCut = true;
  const { message, cause } = await refusal();
  assert.match(message, /: Cannot reach the register$/);
  assert.ok(cause instanceof SeglogError);
  node.isCut = false;
  assert.match((await refusal()).message, /no process that serves these topics has done it/);
});

test("an answer that does not come is asked for again only where that comes to the same", async () => {
  await using electorate = new Electorate();
  const [first, second] = await two(electorate);
  await electorate.pass(LEASE_MS);
  await ask(electorate, second);
  const once = electorate.until(second.node.election.request(DUTY, "hang"));
  await rejectsWith("outcome-unknown", () => once);
  Object.assign(first.node, { isCut: true, isStill: true });
  const again = second.node.election.request(DUTY, 2, { repeatable: true });
  assert.deepEqual(await electorate.until(again), { name: "second" });
});

test("who was elected and cannot begin leaves the others their turn", async () => {
  await using electorate = new Electorate();
  const broken = new Clerk(electorate.node(), "broken", {
    take: () => {
      throw new SeglogError("corrupt", "Cannot read the books");
    },
  });
  const sound = new Clerk(electorate.node(), "sound");
  await electorate.untilSo(() => sound.isHolding);
  assert.deepEqual(await ask(electorate, broken), { name: "sound" });
  assert.ok(broken.node.notices.some((notice) => notice.includes("Cannot read the books")));
});
