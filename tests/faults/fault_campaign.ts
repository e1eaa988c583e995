/** Lives of stores on disks that fail, without end: other steps, another fault, each time. */
import type { Campaign } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { type Ending, type Fault, KINDS, liveThrough } from "./faulty_life.ts";

/** Operations of one kind in a long life; a fault beyond the last one is none. */
const OPERATIONS_MAX = 150;

export const campaign: Campaign = {
  name: "fault",
  async run({ seed, isOver, note }) {
    const counts: Record<string, number> = {};
    let cases = 0;
    for (; !isOver(); cases++) {
      const kind = await liveOnce(seed + cases);
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (cases % 5000 === 4999) note(`${cases + 1} lives`);
    }
    return { cases, counts };
  },
};

/** One life, all of it chosen by the seed. Returns the kind of operation that failed in it. */
export async function liveOnce(seed: number): Promise<string> {
  const random = new Random(seed);
  const fault: Fault = {
    kind: random.pick(KINDS),
    nth: 1 + random.below(OPERATIONS_MAX),
    code: random.pick(["io", "disk-full"]),
    isLasting: random.chance(0.5),
  };
  const ending: Ending = random.pick(["close", "crash"]);
  try {
    await liveThrough(fault, ending, random);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${describe(fault, ending)}: ${cause}`, { cause });
  }
  return fault.kind;
}

/** A fault in words. */
export function describe({ kind, nth, code, isLasting }: Fault, ending: Ending): string {
  return `${kind} ${nth} fails with ${code}${isLasting ? ", and those after it" : ""}; ${ending}`;
}
