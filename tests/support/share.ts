/**
 * How much of a long random campaign each runtime takes. Deno takes all of it; Bun and Node a third,
 * and with seeds of their own: they show other cases then, and not for a second and third time that
 * the code of the engine does what it did.
 *
 * @module
 */
import process from "node:process";

/** 0 on Deno. */
const PLACE = process.versions.bun !== undefined ? 1 : process.versions.deno !== undefined ? 0 : 2;
const SHARE = 3;

/** How many of so many rounds are this runtime's; at least one. */
export function roundsOf(all: number): number {
  return PLACE === 0 ? all : Math.ceil(all / SHARE);
}

/** The seed that a runtime begins with. */
export function seedOf(seed: number): number {
  return seed + 1_000_000 * PLACE;
}
