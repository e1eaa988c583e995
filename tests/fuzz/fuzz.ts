/**
 * Feeds mutated inputs to targets. Inputs grow from seeds and from what was kept; an input that
 * breaks a promise is kept, too.
 *
 * @module
 */
import { messageOf } from "../../core/base/errors.ts";
import { Random } from "../support/random.ts";
import { keep, keptInputs } from "./corpus.ts";
import type { FuzzTarget } from "./target.ts";

/** Inputs of before that later mutations may start from. */
const POOL_MAX = 64;
const MUTATIONS_MAX = 4;

/** A run over one target: each step is one case. */
export class Fuzzing {
  readonly target: FuzzTarget;
  readonly #kept: readonly Uint8Array[];
  /** Inputs that were tried. */
  readonly #pool: Uint8Array[] = [];
  readonly #counts = new Map<string, number>();

  constructor(target: FuzzTarget) {
    this.target = target;
    this.#kept = keptInputs(target).map(({ bytes }) => bytes);
  }

  /** How the cases ended: `batch taken` and the like. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** One case. @throws when a promise is broken, naming the seed and the kept input */
  async step(seed: number): Promise<void> {
    const random = new Random(seed);
    let input = this.#start(random);
    for (let times = 1 + random.below(MUTATIONS_MAX); times > 0; times--) {
      input = this.target.mutate(random, input);
    }
    let kind: string;
    try {
      kind = await this.target.check(input);
    } catch (cause) {
      const path = keep(this.target, input);
      throw new Error(
        `${this.target.name}, seed ${seed}, input kept as ${path}: ${messageOf(cause)}`,
        { cause },
      );
    }
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count === 1 || random.chance(0.02)) this.#grow(random, input);
  }

  /** Mostly an input that is right: what was changed before is refused early, as a rule. */
  #start(random: Random): Uint8Array {
    const others = random.pick([this.#kept, this.#pool]);
    return random.pick(others.length === 0 || random.chance(0.6) ? this.target.seeds : others);
  }

  #grow(random: Random, input: Uint8Array): void {
    if (this.#pool.length < POOL_MAX) this.#pool.push(input);
    else this.#pool[random.below(POOL_MAX)] = input;
  }
}
