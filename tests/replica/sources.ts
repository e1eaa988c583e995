/** Backends to copy from, each with something that a copy has to keep. */
import assert from "node:assert/strict";
import { type Backend, readRecords, type RecordInput, Store } from "../../mod.ts";
import { isSameRecord } from "../../replica/same_record.ts";
import { collect } from "../support/collect.ts";

/** Records with keys, headers, times, types and tombstones. */
export function recordsFrom(start: number, count: number): RecordInput[] {
  return Array.from({ length: count }, (_, i) => {
    const n = start + i;
    return {
      key: `k${n % 7}`,
      value: n % 11 === 10 ? null : n % 3 === 0 ? `{"n":${n}}` : `value ${n}`,
      ...n % 3 === 0 && n % 11 !== 10 ? { type: "json" as const } : {},
      timestamp: 1_000_000 + n * 10,
      headers: { n: String(n) },
    };
  });
}

/** Appends records in batches of several sizes, one of each five by a producer. */
export async function fill(store: Backend, topic: string, batches: number): Promise<void> {
  let n = 0;
  for (let i = 0; i < batches; i++) {
    const count = 1 + i % 4;
    const producer = i % 5 === 0 ? { id: `p${i}`, epoch: 1, sequence: 0 } : undefined;
    await store.append(topic, recordsFrom(n, count), {
      partition: 0,
      ...producer === undefined ? {} : { producer },
    });
    n += count;
  }
}

/** A store in memory whose segments are small. */
export function smallStore(): Promise<Store> {
  return Store.memory({ defaults: { segmentBytes: 4096, sync: "os" } });
}

/** Asserts that two partitions can be read alike, and begin and end at the same offsets. */
export async function assertSame(
  one: Backend,
  other: Backend,
  topic: string,
  partition = 0,
): Promise<void> {
  const lost: [number, number][][] = [[], []];
  const [left, right] = await Promise.all(
    [one, other].map((backend, i) =>
      collect(readRecords(backend, topic, {
        partition,
        onLost: ({ start, end }) => lost[i]!.push([start, end]),
      }))
    ),
  );
  assert.deepEqual(right!.map(({ offset }) => offset), left!.map(({ offset }) => offset));
  left!.forEach((record, i) => assert.ok(isSameRecord(record, right![i]!), `${record.offset}`));
  assert.deepEqual(lost[1], lost[0]);
  const [theirs, mine] = [await one.bounds(topic, partition), await other.bounds(topic, partition)];
  assert.deepEqual(
    [mine.logStartOffset, mine.nextOffset],
    [theirs.logStartOffset, theirs.nextOffset],
  );
}
