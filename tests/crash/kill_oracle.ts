/** What must be in a store whose owner was killed, by what the owner had told until then. */
import assert from "node:assert/strict";
import type { Backend } from "../../mod.ts";
import { findIn } from "../faults/oracle.ts";
import { COMPACTED, FLEETING, keyOf, PRODUCED, type Told } from "./workload.ts";

/** Keeps account of one store over many owners. */
export class KillOracle {
  readonly #topics = new Map<string, TopicAccount>();
  #fleeting: "there" | "gone" | "unsure" = "unsure";
  #sequence = 0;
  acknowledged = 0;

  /** The number of the producer's next append. */
  get sequence(): number {
    return this.#sequence;
  }

  note(told: Told): void {
    switch (told.did) {
      case "append":
        this.acknowledged++;
        this.#account(told.topic).acknowledge(told);
        if (told.topic === PRODUCED) this.#sequence = Number(told.values[0]!.split(".")[1]) + 1;
        return;
      case "truncating":
        return this.#account(told.topic).mayTruncate(told.before);
      case "truncate":
        return this.#account(told.topic).truncate(told.before);
      case "create":
        this.#fleeting = "there";
        return;
      case "deleting":
        this.#fleeting = "unsure";
        return;
      case "delete":
        this.#fleeting = "gone";
        this.#topics.delete(FLEETING);
        return;
      case "fail":
        assert.fail(`the writer failed: ${told.why}`);
    }
  }

  /** Compares what is there with all that was told, and takes it as what must be there from now on. */
  async check(backend: Backend): Promise<void> {
    const listed = new Set((await backend.listTopics()).map(({ name }) => name));
    if (this.#fleeting === "there") assert.ok(listed.has(FLEETING), `${FLEETING} is gone`);
    if (this.#fleeting === "gone" && listed.has(FLEETING)) {
      const { nextOffset } = await backend.bounds(FLEETING); // it was being made again
      assert.equal(nextOffset, 0, "records of a deleted topic came back");
    }
    if (!listed.has(FLEETING)) this.#topics.delete(FLEETING);
    this.#fleeting = "unsure";
    for (const topic of this.#topics.keys()) assert.ok(listed.has(topic), `${topic} is gone`);
    for (const topic of listed) await this.#account(topic).check(backend);
  }

  #account(topic: string): TopicAccount {
    let account = this.#topics.get(topic);
    if (account === undefined) this.#topics.set(topic, account = new TopicAccount(topic));
    return account;
  }
}

function keyIn(value: string): string {
  return keyOf(value.split(".")[1]!);
}

class TopicAccount {
  readonly #topic: string;
  /** What must be there. */
  #known = new Map<number, string>();
  #isGoneBelow = 0;
  #mayBeGoneBelow = 0;
  #nextOffset = 0;

  constructor(topic: string) {
    this.#topic = topic;
  }

  acknowledge({ values, start, end }: { values: readonly string[]; start: number; end: number }) {
    assert.equal(end - start, values.length, this.#topic);
    values.forEach((value, i) => {
      const there = this.#known.get(start + i);
      assert.ok(there === undefined || there === value, `${this.#topic} ${start + i} given twice`);
      if (start + i >= this.#isGoneBelow) this.#known.set(start + i, value);
    });
    this.#nextOffset = Math.max(this.#nextOffset, end);
  }

  mayTruncate(before: number): void {
    this.#mayBeGoneBelow = Math.max(this.#mayBeGoneBelow, before);
  }

  truncate(before: number): void {
    this.#isGoneBelow = Math.max(this.#isGoneBelow, before);
    for (const offset of this.#known.keys()) if (offset < before) this.#known.delete(offset);
  }

  async check(backend: Backend): Promise<void> {
    const { bounds: { logStartOffset, nextOffset }, values } = await findIn(backend, this.#topic);
    const at = (offset: number) => `${this.#topic} at offset ${offset}`;
    assert.ok(logStartOffset >= this.#isGoneBelow, `${at(logStartOffset)} was truncated`);
    assert.ok(logStartOffset <= this.#mayBeGoneBelow, `${at(logStartOffset)} was not truncated`);
    assert.ok(nextOffset >= this.#nextOffset, `the end of ${this.#topic} went back`);
    const latest = new Map([...values].map(([offset, value]) => [keyIn(value), offset]));
    for (const [offset, value] of this.#known) {
      if (offset < logStartOffset) continue;
      const isReplaced = this.#topic === COMPACTED && (latest.get(keyIn(value)) ?? -1) > offset;
      if (!isReplaced || values.has(offset)) assert.equal(values.get(offset), value, at(offset));
    }
    const seen = new Set<string>();
    for (let offset = logStartOffset; offset < nextOffset; offset++) {
      const value = values.get(offset);
      if (value === undefined && this.#topic === COMPACTED) continue; // known ones were looked at
      assert.ok(value !== undefined, `${at(offset)} nothing is there`);
      assert.ok(!seen.has(value), `${at(offset)}: ${value} is there twice`);
      seen.add(value);
      const [topic, label, i, count] = value.split(".");
      assert.equal(topic, this.#topic, at(offset));
      for (let j = 0; j < Number(count); j++) { // the whole of its batch is there
        const place = offset - Number(i) + j;
        if (place < logStartOffset) continue;
        if (this.#topic === COMPACTED && !values.has(place)) continue;
        assert.equal(values.get(place), `${topic}.${label}.${j}.${count}`, at(offset));
      }
    }
    this.#known = new Map(values);
    this.#nextOffset = nextOffset;
    this.#isGoneBelow = logStartOffset;
    this.#mayBeGoneBelow = logStartOffset;
  }
}
