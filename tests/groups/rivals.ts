/**
 * Random histories of one group with several coordinators that each take themselves for the only one.
 * What is in the log in the end says whether they mixed: a commit has in its metadata whose it is.
 */
import assert from "node:assert/strict";
import { readRecords, SeglogError, Store } from "../../mod.ts";
import type { Membership } from "../../core/group_contract.ts";
import { GROUPS_TOPIC } from "../../core/groups/committed_offsets.ts";
import { GroupCoordinator } from "../../core/groups/coordinator.ts";
import { messageOf } from "../../core/base/errors.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";

const GROUP = "g";
const TOPIC = "orders";
const STEPS = 60;
const RECORDS = 50;
const LEASE_MS = 1000;

/** A consumer, and the coordinator that it speaks to. */
interface Actor {
  readonly member: string;
  groups: GroupCoordinator;
  generation: number;
  readonly holds: Map<number, { readonly since: number; position: number }>;
}

/** One history. @throws when a promise is broken: the seed shows it again */
export async function rivalsCase(seed: number): Promise<void> {
  try {
    await Rivals.run(new Random(seed));
  } catch (cause) {
    throw new Error(`rival coordinators, seed ${seed}: ${messageOf(cause)}`, { cause });
  }
}

class Rivals {
  readonly #random: Random;
  readonly #clock = new FakeClock();
  readonly #store: Store;
  readonly #partitions: number;
  readonly #coordinators: GroupCoordinator[] = [];
  readonly #actors: Actor[] = [];
  readonly #sought = new Set<number>();
  #named = 0;

  private constructor(random: Random, store: Store, partitions: number) {
    this.#random = random;
    this.#store = store;
    this.#partitions = partitions;
  }

  static async run(random: Random): Promise<void> {
    const partitions = 1 + random.below(3);
    await using store = await Store.memory();
    await store.ensureTopic(TOPIC, { partitions });
    const values = Array.from({ length: RECORDS }, () => ({ value: "x" }));
    for (let partition = 0; partition < partitions; partition++) {
      await store.append(TOPIC, values, { partition });
    }
    const rivals = new Rivals(random, store, partitions);
    rivals.#elect();
    rivals.#elect();
    for (let i = 0; i < STEPS; i++) {
      await Promise.all(Array.from({ length: 1 + random.below(4) }, () => rivals.#step()));
    }
    await rivals.#check();
    for (const groups of rivals.#coordinators) await groups.close();
  }

  /** One more. Nobody tells those before. */
  #elect(): void {
    this.#coordinators.push(new GroupCoordinator(this.#store, { clock: this.#clock }));
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const die = random.below(100);
    try {
      if (die < 4) return this.#elect();
      if (die < 8) return await this.#seek();
      if (die < 12) return this.#clock.advance(random.below(LEASE_MS));
      if (die < 14) return await random.pick(this.#coordinators).remove(GROUP, { force: true });
      if (die < 26 || this.#actors.length === 0) return await this.#join(this.#newcomer());
      const actor = random.pick(this.#actors);
      if (die < 34) return await this.#join(actor);
      if (die < 60) return await this.#heartbeat(actor);
      await this.#commit(actor);
    } catch (error) {
      const code = error instanceof SeglogError ? error.code : "";
      assert.ok(["condition-failed", "not-found"].includes(code), `${error}`);
    }
  }

  #newcomer(): Actor {
    const groups = this.#coordinators[0]!;
    const actor = { member: `m${this.#named++}`, groups, generation: 0, holds: new Map() };
    if (this.#actors.length >= 4) this.#actors.shift();
    this.#actors.push(actor);
    return actor;
  }

  async #join(actor: Actor): Promise<void> {
    actor.groups = this.#random.pick(this.#coordinators);
    actor.holds.clear();
    const { member } = actor;
    take(actor, await actor.groups.join(GROUP, { member, topics: [TOPIC], leaseMs: LEASE_MS }));
  }

  async #heartbeat(actor: Actor): Promise<void> {
    const { member, generation, groups } = actor;
    const holds = [...actor.holds.keys()].map((partition) => ({ topic: TOPIC, partition }));
    take(actor, await groups.heartbeat(GROUP, { member, generation, holds }));
  }

  async #commit(actor: Actor): Promise<void> {
    const { member, groups } = actor;
    const offsets = [...actor.holds].map(([partition, held]) => {
      held.position = Math.min(RECORDS, held.position + this.#random.below(4));
      const { since, position: offset } = held;
      return { topic: TOPIC, partition, offset, since, metadata: JSON.stringify([since, member]) };
    });
    if (offsets.length > 0) await groups.commit(GROUP, { member, offsets });
  }

  async #seek(): Promise<void> {
    const partition = this.#random.below(this.#partitions);
    const to = this.#random.below(RECORDS);
    this.#sought.add(to);
    const request = { topic: TOPIC, partition, to: `${to}`, force: true };
    await this.#random.pick(this.#coordinators).seek(GROUP, request);
  }

  /** What the log says, in its order. */
  async #check(): Promise<void> {
    const last = new Map<string, number>();
    const owners = new Map<string, { since: number; member: string }>();
    for await (const record of readRecords(this.#store, GROUPS_TOPIC)) {
      const [kind, , , partition] = record.keyText!.split("/");
      if (kind !== "o") continue;
      if (record.value === null) { // the group was removed: it begins anew
        last.clear();
        owners.clear();
        continue;
      }
      const { offset, metadata } = record.json() as { offset: number; metadata: string };
      const isBack = offset < (last.get(partition!) ?? 0);
      assert.ok(!isBack || this.#sought.has(offset), `${offset} is before what was committed`);
      last.set(partition!, offset);
      if (metadata === "") continue;
      const [since, member] = JSON.parse(metadata) as [number, string];
      const before = owners.get(partition!);
      assert.ok(since >= (before?.since ?? 0), `${member} was not the owner any more`);
      if (since === before?.since) assert.equal(member, before.member);
      owners.set(partition!, { since, member });
    }
    await using groups = new GroupCoordinator(this.#store, { clock: this.#clock });
    const shown = await groups.describe(GROUP).catch(() => undefined);
    for (const { partition, committed } of shown?.partitions ?? []) {
      assert.equal(committed, last.get(`${partition}`) ?? null);
    }
  }
}

function take(actor: Actor, told: Membership): void {
  actor.generation = told.generation;
  const before = new Map(actor.holds);
  actor.holds.clear();
  for (const { partition, since, offset } of told.partitions) {
    const held = before.get(partition);
    actor.holds.set(partition, held?.since === since ? held : { since, position: offset });
  }
}
