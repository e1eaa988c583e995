import { MANIFEST_FILE } from "../../core/format/file_names.ts";
import type { Campaign } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { examine } from "./examine.ts";
import { type RandomLog, randomLog } from "./random_log.ts";

const SECTOR_BYTES = 512;
/** Damaged copies that are made of each log. */
const CASES_PER_LOG = 20;

/** Random logs with random damage: bits, sectors, files, several at once. */
export const damageCampaign: Campaign = {
  name: "damage",
  async run({ seed, isOver }) {
    const counts: Record<string, number> = {};
    const seeds = new Random(seed);
    let cases = 0;
    while (!isOver()) {
      const logSeed = seeds.fork();
      try {
        const random = new Random(logSeed);
        const log = await randomLog(random);
        for (let i = 0; i < CASES_PER_LOG; i++, cases++) {
          const verdict = await damagedCase(log, random);
          counts[verdict] = (counts[verdict] ?? 0) + 1;
        }
      } catch (cause) {
        throw new Error(`damage, log seed ${logSeed}, from seed ${seed}`, { cause });
      }
    }
    return { cases, counts };
  },
};

/** Does one to three things to a copy of the files, and looks at what that came to. */
async function damagedCase(log: RandomLog, random: Random): Promise<string> {
  const files = new Map(log.files);
  const damages: string[] = [];
  const changed = new Set<string>();
  let isCut = false;
  for (let count = 1 + random.below(3); count > 0; count--) {
    const path = random.pick([...files.keys()]);
    // Without its manifest and its segments there is no log any more.
    if (path.endsWith(MANIFEST_FILE) && random.chance(0.8)) continue;
    const [name, bytes] = damaged(random, files.get(path)!, [...log.files.values()]);
    if (bytes === undefined && path.endsWith(MANIFEST_FILE)) continue;
    if (bytes === undefined) files.delete(path);
    else files.set(path, bytes);
    damages.push(`${name} ${path}`);
    changed.add(path);
    isCut ||= name === "cut";
  }
  try {
    return await examine(files, log.folder, log.truth, {
      changed: [...changed].filter((path) => files.has(path)),
      mayVanish: !log.isClosed && changed.has(log.truth.activePath),
      isCut,
    });
  } catch (cause) {
    const state = log.isClosed ? "closed" : "crashed";
    throw new Error(`${state} log: ${damages.join(", ")}`, { cause });
  }
}

/** The bytes of a file after one thing was done to it, `undefined` when that took it away. */
function damaged(
  random: Random,
  bytes: Uint8Array,
  others: readonly Uint8Array[],
): [name: string, bytes: Uint8Array | undefined] {
  const copy = bytes.slice();
  const sector = SECTOR_BYTES * random.below(Math.ceil(bytes.length / SECTOR_BYTES));
  switch (random.below(8)) {
    case 0:
      return ["cut", copy.subarray(0, random.below(copy.length + 1))];
    case 1:
      return ["longer", new Uint8Array([...copy, ...random.bytes(random.below(1000))])];
    case 2:
      return ["zeroed sector", copy.fill(0, sector, sector + SECTOR_BYTES)];
    case 3:
      copy.set(random.bytes(Math.min(SECTOR_BYTES, copy.length - sector)), sector);
      return ["garbled sector", copy];
    case 4: {
      // Of another file: a sector of the same one, out of its place, has true records.
      const source = random.pick(others.filter((other) => other !== bytes));
      copy.set(source.subarray(0, copy.length - sector).subarray(0, SECTOR_BYTES), sector);
      return ["sector of another file in", copy];
    }
    case 5:
      return random.chance(0.5)
        ? ["removed", undefined]
        : ["replaced", random.pick(others).slice()];
    default:
      for (let bits = 1 + random.below(5); bits > 0 && copy.length > 0; bits--) {
        copy[random.below(copy.length)]! ^= 1 << random.below(8);
      }
      return ["flipped bits in", copy];
  }
}
