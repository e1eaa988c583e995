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
      .map(({ member, topics }) => [member, { member, topics, slots: [] as number[] }]),
  );
  const targets: (string | undefined)[] = slots.map(() => undefined);
  const give = (index: number, load: Load) => {
    load.slots.push(index);
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
  for (let move = nextMove(slots, loads, wanting); move !== undefined;) {
    const { from, to, index } = move;
    from.slots.splice(from.slots.indexOf(index), 1);
    give(index, to);
    move = nextMove(slots, loads, wanting);
  }
  return targets;
}

interface Load extends Subscriber {
  readonly slots: number[];
}

interface Move {
  readonly from: Load;
  readonly to: Load;
  readonly index: number;
}

/** From the one with most, as far as it can give to somebody with two less; of its last partition. */
function nextMove(
  slots: readonly Slot[],
  loads: ReadonlyMap<string, Load>,
  wanting: ReadonlyMap<string, readonly Load[]>,
): Move | undefined {
  const heaviest = [...loads.values()].sort((a, b) => b.slots.length - a.slots.length);
  for (const from of heaviest) {
    let best: Move | undefined;
    for (const topic of new Set(from.slots.map((index) => slots[index]!.topic))) {
      const to = lightest(wanting.get(topic))!;
      const isLighter = to.slots.length < (best?.to.slots.length ?? from.slots.length - 1);
      if (!isLighter) continue;
      const index = from.slots.findLast((index) => slots[index]!.topic === topic)!;
      best = { from, to, index };
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
  return loads?.reduce((a, b) => b.slots.length < a.slots.length ? b : a);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
