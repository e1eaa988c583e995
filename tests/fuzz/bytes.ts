/** Changes to bytes that know nothing of what the bytes mean. */
import { concatBytes } from "../../core/base/bytes.ts";
import type { Random } from "../support/random.ts";

/** Numbers at the edges of what fits where. */
export const EDGES: readonly bigint[] = [
  ...[0, 1, 2, 3, 7, 8, 63, 64, 65, 72, 127, 128, 255, 256, 4095, 4096, 65535, 65536],
  ...[2 ** 24, 2 ** 25, 2 ** 25 + 1, 2 ** 26, 2 ** 26 + 1, 999_999, 1_000_000, 1_000_001],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 - 1, 2 ** 52, 2 ** 53 - 2, 2 ** 53 - 1],
].map(BigInt).concat([2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);

/** An edge, or a number beside one. */
export function edge(random: Random): bigint {
  const near = random.pick(EDGES) + BigInt(random.below(3) - 1);
  return near < 0n ? 0n : near;
}

type Change = (random: Random, bytes: Uint8Array) => Uint8Array;

const CHANGES: readonly Change[] = [
  function flip(random, bytes) {
    const changed = bytes.slice();
    if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
    return changed;
  },
  function overwrite(random, bytes) {
    const changed = bytes.slice();
    if (changed.length > 0) {
      changed[random.below(changed.length)] = random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff]);
    }
    return changed;
  },
  function cutOff(random, bytes) {
    return bytes.slice(0, random.below(bytes.length + 1));
  },
  function remove(random, bytes) {
    const [start, end] = range(random, bytes);
    return concatBytes([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  function repeat(random, bytes) {
    const [start, end] = range(random, bytes);
    return concatBytes([bytes.subarray(0, end), bytes.subarray(start)]);
  },
  function insert(random, bytes) {
    const at = random.below(bytes.length + 1);
    const added = random.chance(0.5) ? random.bytes(random.below(12)) : new Uint8Array(8);
    return concatBytes([bytes.subarray(0, at), added, bytes.subarray(at)]);
  },
  function clear(random, bytes) {
    const changed = bytes.slice();
    return changed.fill(0, ...range(random, bytes));
  },
];

/** The bytes with something different. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  return random.pick(CHANGES)(random, bytes);
}

function range(random: Random, bytes: Uint8Array): [start: number, end: number] {
  const start = random.below(bytes.length + 1);
  return [start, Math.min(bytes.length, start + random.below(64))];
}
