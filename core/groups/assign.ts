/**
 * Who reads which partition: balanced, and with as few moves as that takes.
 *
 * What is promised is what Kafka's sticky assignor promises (KIP-54): of two members that want the
 * same topics, neither has two partitions more than the other; more generally, no single move would
 * even out two members; and a partition stays where it is unless it has to move for that.
 *
 * @module
 */

/** A partition that somebody is to read. */
export interface Slot {
  readonly topic: string;
  readonly partition: number;
  /** Who has it, or is about to. */
  readonly owner: string | undefined;
}

/** Somebody who reads partitions of some topics. */
export interface Subscriber {
  readonly member: string;
  readonly topics: ReadonlySet<string>;
}

/**
 * The member for each slot, in the order of the slots; `undefined` where nobody wants the topic.
 *
 * Free partitions go to whoever has fewest. Then the one with most gives to the one with fewest that
 * wants the topic, as long as they are two apart: each such move brings the sum of the squares down,
 * so it comes to an end, and none of them could be left out.
 */
export function assign(
  slots: readonly Slot[],
  subscribers: readonly Subscriber[],
): (string | undefined)[] {
  const loads = new Map(
    subscribers.toSorted((a, b) => compare(a.member, b.member))
      .map(({ member, topics }) => [member, new Load(member, topics)]),
  );
  const targets: (string | undefined)[] = slots.map(() => undefined);
  const give = (index: number, load: Load) => {
    load.take(slots[index]!.topic, index);
    targets[index] = load.member;
  };
  slots.forEach(({ topic, owner }, index) => {
    const load = owner === undefined ? undefined : loads.get(owner);
    if (load?.topics.has(topic)) give(index, load);
  });
  const wanting = subscribersByTopic([...loads.values()]);
  slots.forEach(({ topic }, index) => {
    const load = targets[index] === undefined ? lightest(wanting.get(topic)) : undefined;
    if (load !== undefined) give(index, load);
  });
  for (;;) {
    const move = nextMove([...loads.values()], wanting);
    if (move === undefined) return targets;
    give(move.from.giveUp(move.topic), move.to);
  }
}

/** What a member has. */
class Load implements Subscriber {
  readonly member: string;
  readonly topics: ReadonlySet<string>;
  readonly #slots = new Map<string, number[]>();
  #size = 0;

  constructor(member: string, topics: ReadonlySet<string>) {
    this.member = member;
    this.topics = topics;
  }

  /** How many partitions. */
  get size(): number {
    return this.#size;
  }

  /** The topics that they are of. */
  get held(): Iterable<string> {
    return this.#slots.keys();
  }

  /** One more. */
  take(topic: string, index: number): void {
    const others = this.#slots.get(topic);
    if (others === undefined) this.#slots.set(topic, [index]);
    else others.push(index);
    this.#size++;
  }

  /** One less: the last of a topic. */
  giveUp(topic: string): number {
    const slots = this.#slots.get(topic)!;
    const index = slots.pop()!;
    if (slots.length === 0) this.#slots.delete(topic);
    this.#size--;
    return index;
  }
}

interface Move {
  readonly from: Load;
  readonly to: Load;
  readonly topic: string;
}

/** From the one with most, as far as it can give to somebody with two less. */
function nextMove(
  loads: readonly Load[],
  wanting: ReadonlyMap<string, readonly Load[]>,
): Move | undefined {
  const heaviest = loads.toSorted((a, b) => b.size - a.size);
  const least = heaviest.at(-1)?.size ?? 0;
  for (const from of heaviest) {
    if (from.size - 1 <= least) return undefined; // nobody has two less
    let best: Move | undefined;
    for (const topic of from.held) {
      const to = lightest(wanting.get(topic))!;
      if (to.size < (best?.to.size ?? from.size - 1)) best = { from, to, topic };
    }
    if (best !== undefined) return best;
  }
  return undefined;
}

function subscribersByTopic(loads: readonly Load[]): Map<string, Load[]> {
  const byTopic = new Map<string, Load[]>();
  for (const load of loads) {
    for (const topic of load.topics) {
      const others = byTopic.get(topic);
      if (others === undefined) byTopic.set(topic, [load]);
      else others.push(load);
    }
  }
  return byTopic;
}

/** The first by name of those with fewest partitions. */
function lightest(loads: readonly Load[] | undefined): Load | undefined {
  return loads?.reduce((a, b) => b.size < a.size ? b : a);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
