/**
 * Random histories of one group: members join, read, commit, fall silent, die and come back, the
 * coordinator too, and a model knows which records were seen by anybody.
 */
import assert from "node:assert/strict";
import { SeglogError, Store } from "../../mod.ts";
import { GroupCoordinator } from "../../core/groups/coordinator.ts";
import type { Membership } from "../../core/group_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";

const GROUP = "g";
const TOPIC = "orders";
const LEASE_MS = 1000;
const HANDOVER_MS = 3000;

/** A partition as its member sees it. */
interface Held {
  since: number;
  position: number;
  /** Whether a seek has taken the group elsewhere since. */
  isVoid?: boolean;
}

/** A consumer that may be slow, silent or dead, and does not know it. */
interface Actor {
  readonly member: string;
  generation: number;
  readonly holds: Map<number, Held>;
  /** What it is told to give up, and does when it likes. */
  readonly leaving: Set<number>;
  /** Until when it counts as alive, and which coordinator knows it. */
  alive: { until: number; era: number };
}

/** One history. */
export class History {
  readonly #random: Random;
  readonly #clock = new FakeClock();
  readonly #store: Store;
  readonly #partitions: number;
  #groups: GroupCoordinator;
  #actors: Actor[] = [];
  /** Those that were given up, and may still speak. */
  #zombies: Actor[] = [];
  #named = 0;
  /** What anybody has seen, by partition. */
  readonly #seen: Set<number>[];
  readonly #ends: number[];
  readonly #committed: number[];
  /** The latest `since` that anybody was told, by partition. */
  readonly #since: number[];
  #era = 0;
  #generation = 0;

  private constructor(random: Random, store: Store, partitions: number) {
    this.#random = random;
    this.#store = store;
    this.#partitions = partitions;
    this.#groups = new GroupCoordinator(store, { clock: this.#clock });
    this.#seen = Array.from({ length: partitions }, () => new Set<number>());
    this.#ends = Array.from({ length: partitions }, () => 0);
    this.#committed = Array.from({ length: partitions }, () => 0);
    this.#since = Array.from({ length: partitions }, () => 0);
  }

  static async run(seed: number, steps: number): Promise<void> {
    const random = new Random(seed);
    const partitions = 1 + random.below(6);
    await using store = await Store.memory();
    await store.ensureTopic(TOPIC, { partitions });
    const history = new History(random, store, partitions);
    for (let i = 0; i < steps; i++) {
      await history.#step();
      await history.#check();
    }
    await history.#finish();
    await history.#groups.close();
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const die = random.below(100);
    if (die < 15) return await this.#append();
    if (die < 22) return await this.#join();
    if (die < 30) return this.#clock.advance(random.below(LEASE_MS));
    if (die < 32) return await this.#restart();
    if (die < 34) return await this.#seek();
    const actor = this.#actors.length > 0 ? random.pick(this.#actors) : undefined;
    if (actor === undefined) return;
    if (die < 55) return await this.#heartbeat(actor);
    if (die < 75) return this.#read(actor);
    if (die < 90) return await this.#commit(actor);
    if (die < 93) return await this.#leave(actor);
    if (die < 96) return this.#die(actor);
    if (this.#zombies.length > 0) await this.#commit(random.pick(this.#zombies));
  }

  async #append(): Promise<void> {
    const partition = this.#random.below(this.#partitions);
    const count = 1 + this.#random.below(4);
    const records = Array.from({ length: count }, () => ({ value: "x" }));
    this.#ends[partition] = (await this.#store.append(TOPIC, records, { partition })).end;
  }

  async #join(): Promise<void> {
    if (this.#actors.length >= 5) return;
    const member = `m${this.#named++}`;
    const alive = { until: 0, era: 0 };
    const actor = { member, generation: 0, holds: new Map(), leaving: new Set<number>(), alive };
    this.#actors.push(actor);
    this.#take(
      actor,
      await this.#groups.join(GROUP, {
        member,
        topics: [TOPIC],
        leaseMs: LEASE_MS,
        handoverMs: HANDOVER_MS,
      }),
    );
  }

  /** One that was given up joins again under its own name: it holds nothing then. */
  async #joinAgain(actor: Actor): Promise<void> {
    actor.holds.clear();
    actor.leaving.clear();
    const { member } = actor;
    const request = { member, topics: [TOPIC], leaseMs: LEASE_MS, handoverMs: HANDOVER_MS };
    this.#take(actor, await this.#groups.join(GROUP, request));
  }

  async #heartbeat(actor: Actor): Promise<void> {
    // It lets go of what it has to when it comes to it.
    for (const partition of [...actor.leaving]) {
      if (!this.#random.chance(0.6)) continue;
      if (this.#random.chance(0.5)) await this.#commit(actor);
      actor.leaving.delete(partition);
      actor.holds.delete(partition);
    }
    const { member, generation } = actor;
    const holds = [...actor.holds.keys()].map((partition) => ({ topic: TOPIC, partition }));
    try {
      this.#take(actor, await this.#groups.heartbeat(GROUP, { member, generation, holds }));
    } catch (error) {
      expectRefusal(error);
      if (this.#random.chance(0.5)) this.#die(actor);
      else await this.#joinAgain(actor);
    }
  }

  #take(actor: Actor, told: Membership): void {
    assert.ok(told.generation >= actor.generation);
    assert.ok(told.generation >= this.#generation, "generations go on over restarts");
    this.#generation = told.generation;
    actor.alive = { until: this.#clock.now() + LEASE_MS, era: this.#era };
    actor.generation = told.generation;
    const assigned = new Map(told.partitions.map((one) => [one.partition, one]));
    for (const partition of actor.holds.keys()) {
      if (!assigned.has(partition)) actor.leaving.add(partition);
    }
    for (const { partition, since, offset } of assigned.values()) {
      actor.leaving.delete(partition);
      assert.ok(since >= this.#since[partition]!, "it is told only to its owner");
      this.#since[partition] = since;
      if (actor.holds.get(partition)?.since === since) continue;
      assert.equal(offset, this.#committed[partition], "who takes over goes on from the commit");
      actor.holds.set(partition, { since, position: offset });
    }
  }

  #read(actor: Actor): void {
    for (const [partition, held] of actor.holds) {
      if (actor.leaving.has(partition)) continue;
      const end = Math.min(held.position + this.#random.below(4), this.#ends[partition]!);
      while (held.position < end) this.#seen[partition]!.add(held.position++);
    }
  }

  async #commit(actor: Actor): Promise<void> {
    const { member } = actor;
    const offsets = [...actor.holds].map(([partition, { position, since }]) => {
      return { topic: TOPIC, partition, offset: position, since };
    });
    if (offsets.length === 0) return;
    const { until, era } = actor.alive;
    const isVoid = [...actor.holds.values()].some((held) => held.isVoid);
    const mustBeHeard = until > this.#clock.now() && era === this.#era && !isVoid &&
      actor.leaving.size === 0;
    try {
      const committed = await this.#groups.commit(GROUP, { member, offsets });
      actor.alive.until = this.#clock.now() + LEASE_MS;
      assert.ok(!isVoid, "a seek is not undone");
      for (const [partition, { since }] of actor.holds) {
        assert.ok(since >= this.#since[partition]!, "only its owner commits for a partition");
      }
      for (const { partition, offset } of committed) {
        assert.ok(offset >= actor.holds.get(partition)!.position, "what was said is committed");
        this.#committed[partition] = Math.max(this.#committed[partition]!, offset);
      }
    } catch (error) {
      expectRefusal(error);
      assert.ok(!mustBeHeard, `an owner was refused: ${error}`);
    }
  }

  /** Moves the group within a partition, whoever reads it. */
  async #seek(): Promise<void> {
    const partition = this.#random.below(this.#partitions);
    const offset = this.#random.below(this.#ends[partition]! + 1);
    await this.#groups.seek(GROUP, { topic: TOPIC, partition, to: `${offset}`, force: true });
    for (let at = this.#committed[partition]!; at < offset; at++) this.#seen[partition]!.add(at);
    this.#committed[partition] = offset;
    for (const { holds } of [...this.#actors, ...this.#zombies]) {
      const held = holds.get(partition);
      if (held !== undefined) held.isVoid = true;
    }
  }

  async #leave(actor: Actor): Promise<void> {
    if (this.#random.chance(0.5)) await this.#commit(actor);
    await this.#groups.leave(GROUP, { member: actor.member });
    actor.alive.until = 0;
    this.#die(actor);
  }

  #die(actor: Actor): void {
    this.#actors = this.#actors.filter((other) => other !== actor);
    this.#zombies.push(actor);
  }

  async #restart(): Promise<void> {
    await this.#groups.close();
    this.#groups = new GroupCoordinator(this.#store, { clock: this.#clock });
    this.#era++;
  }

  async #check(): Promise<void> {
    const known = (await this.#groups.list()).some(({ group }) => group === GROUP);
    if (!known) return;
    const { partitions, members } = await this.#groups.describe(GROUP);
    assert.equal(new Set(partitions.map(({ partition }) => partition)).size, partitions.length);
    for (const { partition, committed, lag, member } of partitions) {
      assert.equal(committed ?? 0, this.#committed[partition], "only commits move it, and forward");
      assert.equal(lag, this.#ends[partition]! - (committed ?? 0));
      for (let offset = 0; offset < (committed ?? 0); offset++) {
        assert.ok(this.#seen[partition]!.has(offset), `${offset} was passed over`);
      }
      if (members.length > 0) assert.ok(members.some((one) => one.member === member));
    }
    if (members.length > 0) assert.equal(partitions.length, this.#partitions);
  }

  /** All die. Who comes then sees everything that nobody has seen. */
  async #finish(): Promise<void> {
    for (const actor of [...this.#actors]) this.#die(actor);
    this.#clock.advance(LEASE_MS);
    await this.#join();
    const [last] = this.#actors;
    assert.equal(last!.holds.size, this.#partitions, "the leases are over: all is free");
    for (const [partition, held] of last!.holds) {
      while (held.position < this.#ends[partition]!) this.#seen[partition]!.add(held.position++);
      assert.equal(this.#seen[partition]!.size, this.#ends[partition]);
    }
    await this.#commit(last!);
    for (const zombie of this.#zombies) await this.#commit(zombie);
    assert.deepEqual(this.#committed, this.#ends);
    await this.#check();
  }
}

function expectRefusal(error: unknown): void {
  assert.ok(error instanceof SeglogError, `${error}`);
  assert.equal(error.code, "condition-failed", error.message);
}
