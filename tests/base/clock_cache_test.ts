import assert from "node:assert/strict";
import { test } from "node:test";
import { CacheEntry, ClockCache } from "../../core/base/clock_cache.ts";

class Entry extends CacheEntry {
  override readonly cost: number;
  isEvicted = false;

  constructor(cost = 1) {
    super();
    this.cost = cost;
  }

  override evict(): void {
    this.isEvicted = true;
  }
}

function evictedOf(entries: readonly Entry[]): number[] {
  return [...entries.keys()].filter((i) => entries[i]!.isEvicted);
}

test("a cache keeps what there is room for, and evicts what was not used", () => {
  const cache = new ClockCache(3);
  const entries = Array.from({ length: 4 }, () => new Entry());
  for (const entry of entries.slice(0, 3)) cache.add(entry);
  entries[0]!.chances = 1;
  entries[2]!.chances = 1;
  cache.add(entries[3]!);
  assert.deepEqual(evictedOf(entries), [1]);
  assert.equal(cache.cost, 3);
});

test("what was used once stays for one more round, and not for ever", () => {
  const cache = new ClockCache(2);
  const used = new Entry();
  used.chances = 1;
  cache.add(used);
  for (let i = 0; i < 4; i++) cache.add(new Entry());
  assert.ok(used.isEvicted);
});

test("what has more chances stays longer than what is used as often", () => {
  const cache = new ClockCache(3);
  const costly = new Entry();
  cache.add(costly);
  for (let i = 0; i < 20; i++) {
    const other = new Entry();
    cache.add(other);
    costly.chances = 4;
    other.chances = 1;
  }
  assert.equal(costly.isEvicted, false);
});

test("one large entry evicts as many as it takes, and alone it may pass the bound", () => {
  const cache = new ClockCache(4);
  const small = Array.from({ length: 4 }, () => new Entry());
  for (const entry of small) cache.add(entry);
  cache.add(new Entry(3));
  assert.equal(evictedOf(small).length, 3);
  cache.add(new Entry(9));
  assert.equal(cache.cost, 9);
});

test("an entry that was removed is not evicted, and may be added again", () => {
  const cache = new ClockCache(2);
  const entry = new Entry();
  cache.add(entry);
  cache.remove(entry);
  cache.remove(entry);
  assert.deepEqual([cache.cost, entry.isEvicted], [0, false]);
  cache.add(entry);
  assert.equal(cache.cost, 1);
});

test("however entries come, are used and go, the bound holds and costs add up", () => {
  const cache = new ClockCache(50);
  const inside = new Set<Entry>();
  let state = 12345;
  const random = (below: number) => (state = Math.imul(state, 48271) >>> 1) % below;
  for (let step = 0; step < 5000; step++) {
    const entries = [...inside];
    const some = entries[random(entries.length + 1)];
    if (some !== undefined && random(3) === 0) {
      cache.remove(some);
      inside.delete(some);
    } else if (some !== undefined && random(2) === 0) some.chances = 1;
    else {
      const added = new Entry(1 + random(9));
      cache.add(added);
      inside.add(added);
    }
    for (const entry of inside) if (entry.isEvicted) inside.delete(entry);
    const cost = [...inside].reduce((sum, entry) => sum + entry.cost, 0);
    assert.deepEqual([cache.cost, cost <= 50], [cost, true], `step ${step}`);
  }
});
