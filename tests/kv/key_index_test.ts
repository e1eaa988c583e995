/** The index beside a model that keeps everything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareBytes, decodeUtf8, encodeUtf8 } from "../../core/base/bytes.ts";
import { KeyIndex, type ListRange } from "../../core/kv/key_index.ts";

type Step =
  | { readonly kind: "set"; readonly key: string; readonly bytes: number }
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "hold" }
  | { readonly kind: "release"; readonly which: number }
  | { readonly kind: "forget"; readonly part: number }
  | { readonly kind: "list"; readonly start?: string; readonly end?: string };

/** Few keys, so that they are set and deleted again and again, some of them prefixes of others. */
const keys = fc.oneof(
  fc.stringMatching(/^[ab]{1,4}$/),
  fc.constantFrom("ü", "😀", "\uffff", "k".repeat(1024)),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("set" as const), key: keys, bytes: fc.nat(99) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hold" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("forget" as const),
      part: fc.integer({ min: 1, max: 10 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("list" as const), start: keys, end: keys }, {
      requiredKeys: ["kind"],
    }),
  },
);

/** All that was ever said, looked through from the end. */
class Model {
  readonly #said: { readonly key: string; readonly bytes: number | undefined; goneAt?: number }[] =
    [];

  /** What is the latest of its key, and below an offset, is no more from right before that on. */
  forgetBelow(offset: number): void {
    for (const said of new Map(this.#said.map((one) => [one.key, one])).values()) {
      if (said.bytes === undefined || this.#said.indexOf(said) >= offset) continue;
      said.goneAt ??= offset - 1;
    }
  }

  apply(key: string, bytes: number | undefined): number {
    return this.#said.push({ key, bytes }) - 1;
  }

  get revision(): number {
    return this.#said.length - 1;
  }

  list(at: number, { start, end, reverse }: ListRange = {}): string[] {
    const latest = new Map<string, number>();
    for (const [revision, { key, bytes, goneAt = Infinity }] of this.#said.entries()) {
      if (revision > at) break;
      if (bytes === undefined || at >= goneAt) latest.delete(key);
      else latest.set(key, revision);
    }
    const sorted = [...latest].map(([key, revision]) => ({ key: encodeUtf8(key), revision }))
      .filter(({ key }) => start === undefined || compareBytes(start, key) <= 0)
      .filter(({ key }) => end === undefined || compareBytes(key, end) < 0)
      .sort((a, b) => compareBytes(a.key, b.key))
      .map(({ key, revision }) => `${decodeUtf8(key)}@${revision}`);
    return reverse ? sorted.toReversed() : sorted;
  }

  bytes(): number {
    const latest = new Map(this.#said.map((said) => [said.key, said]));
    return [...latest.values()].reduce(
      (sum, { bytes = 0, goneAt }) => goneAt === undefined ? sum + bytes : sum,
      0,
    );
  }
}

test("an index lists what a log says, now and at every snapshot that is open", () => {
  fc.assert(fc.property(fc.array(steps, { maxLength: 200 }), (all) => {
    const index = new KeyIndex();
    const model = new Model();
    const open: number[] = [];
    const listed = (range?: ListRange) =>
      [...index.list(range)].map(({ key, revision }) => `${decodeUtf8(key)}@${revision}`);
    for (const step of all) {
      if (step.kind === "hold") {
        index.hold(model.revision);
        open.push(model.revision);
      } else if (step.kind === "release") {
        const [revision] = open.splice(step.which % Math.max(1, open.length), 1);
        if (revision !== undefined) index.release(revision);
      } else if (step.kind === "forget") {
        const offset = Math.floor((model.revision + 1) * step.part / 10);
        index.forgetBelow(offset);
        model.forgetBelow(offset);
      } else if (step.kind === "list") {
        const range = {
          ...step.start === undefined ? {} : { start: encodeUtf8(step.start) },
          ...step.end === undefined ? {} : { end: encodeUtf8(step.end) },
        };
        for (const reverse of [false, true]) {
          assert.deepEqual(
            listed({ ...range, reverse }),
            model.list(model.revision, { ...range, reverse }),
          );
        }
      } else {
        const valueBytes = step.kind === "set" ? step.bytes : undefined;
        const revision = model.apply(step.key, valueBytes);
        index.apply(encodeUtf8(step.key), { revision, valueBytes });
      }
    }
    assert.deepEqual(listed(), model.list(model.revision));
    assert.deepEqual([index.keys, index.valueBytes], [listed().length, model.bytes()]);
    for (const revision of open) assert.deepEqual(listed({ revision }), model.list(revision));
    for (const revision of open) index.release(revision);
    assert.deepEqual(listed(), model.list(model.revision));
    assert.equal(numbersOf(index), index.keys, "nothing is kept for nobody");
  }));
});

/** Keys that take memory, those that only a snapshot sees included. */
function numbersOf(index: KeyIndex): number {
  return index.state.table.hashes.length - index.state.table.free.length;
}

test("many keys are found, and are in order, however they came and went", () => {
  const index = new KeyIndex();
  const count = 20_000;
  const keyOf = (i: number) => encodeUtf8(`key-${(i * 7919) % count}`);
  [...index.list()]; // from then on it keeps them in order
  for (let i = 0; i < count; i++) index.apply(keyOf(i), { revision: i, valueBytes: 1 });
  for (let i = 0; i < count; i += 3) {
    index.apply(keyOf(i), { revision: count + i, valueBytes: undefined });
  }
  const listed = [...index.list()].map(({ key }) => decodeUtf8(key));
  assert.equal(listed.length, count - Math.ceil(count / 3));
  assert.deepEqual(listed, listed.toSorted());
  for (let i = 0; i < count; i++) {
    assert.equal(index.revisionOf(keyOf(i)), i % 3 === 0 ? -1 : i);
  }
});

test("room that deleted keys took is used again", () => {
  const index = new KeyIndex();
  let revision = 0;
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 2000; i++) {
      const key = encodeUtf8(`${round}-${i}-${"x".repeat(100)}`);
      index.apply(key, { revision: revision++, valueBytes: 1 });
    }
    for (let i = 0; i < 2000; i++) {
      const key = encodeUtf8(`${round}-${i}-${"x".repeat(100)}`);
      index.apply(key, { revision: revision++, valueBytes: undefined });
    }
  }
  assert.equal(index.keys, 0);
  assert.ok(index.bytes < 4 * 1024 * 1024, `${index.bytes} bytes`);
});

test("a key takes less than a hundred bytes of memory beside its own, also in order", () => {
  for (const count of [65_537, 100_000, 131_073]) { // right behind a table that grew, and well filled
    const index = new KeyIndex();
    for (let revision = 0; revision < count; revision++) {
      const key = encodeUtf8(String((revision * 2_654_435_761) % 2 ** 32).padStart(20, "0"));
      index.apply(key, { revision, valueBytes: 100 });
    }
    assert.equal(index.keys, count);
    for (const { key } of index.list()) {
      assert.equal(key.length, 20);
      break;
    }
    const bytes = index.bytes / count - 20;
    assert.ok(bytes < 100, `${bytes} bytes a key of ${count}`);
  }
});

test("closing a snapshot costs what changed since it was opened, whatever an older one sees", () => {
  const index = new KeyIndex();
  const key = (i: number) => encodeUtf8(`k${i}`);
  let revision = 0;
  for (let i = 0; i < 1000; i++) index.apply(key(i), { revision: revision++, valueBytes: 1 });
  const old = revision - 1;
  index.hold(old);
  for (let i = 0; i < 1000; i++) index.apply(key(i), { revision: revision++, valueBytes: 2 });
  for (let round = 0; round < 5000; round++) {
    const now = revision - 1;
    index.hold(now);
    index.apply(key(round % 10), { revision: revision++, valueBytes: 3 });
    assert.equal(index.revisionAt(key(5), old), 5);
    index.release(now);
  }
  assert.equal([...index.list({ revision: old })].every((entry) => entry.valueBytes === 1), true);
  index.release(old);
  assert.equal(index.keys, 1000);
});

test("what was truncated is kept for no snapshot that came later", () => {
  const index = new KeyIndex();
  index.apply(encodeUtf8("a"), { revision: 5, valueBytes: 1 });
  index.apply(encodeUtf8("b"), { revision: 30, valueBytes: 1 });
  index.hold(30);
  index.forgetBelow(20);
  assert.equal(numbersOf(index), 1, "the snapshot at 30 sees what the log has: b");
  index.release(30);
  assert.equal(numbersOf(index), index.keys);
});

test("what was truncated does not hide what was replaced before", () => {
  const index = new KeyIndex();
  index.apply(encodeUtf8("old"), { revision: 0, valueBytes: 1 });
  index.apply(encodeUtf8("a"), { revision: 1, valueBytes: 1 });
  index.hold(1);
  index.apply(encodeUtf8("a"), { revision: 2, valueBytes: undefined });
  index.forgetBelow(1);
  index.release(1);
  assert.equal(index.keys, 0);
  assert.equal(numbersOf(index), 0);
});
