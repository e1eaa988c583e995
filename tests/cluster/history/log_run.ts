/** Many clients at once on one topic, and what is in it when they are done. */
import { type Backend, readRecords } from "../../../mod.ts";
import { collect } from "../../support/collect.ts";
import { Random } from "../../support/random.ts";
import type { FinalPartition } from "./check_log.ts";
import type { History } from "./history.ts";
import { type Load, LogClient, type Member } from "./log_client.ts";
import { nameOf } from "./values.ts";

export interface LogRun extends Load {
  readonly seed: number;
  readonly clients: number;
  /** Clients take them in turn, and each has a follower of each partition. */
  readonly members: readonly Member[];
  /** When clients are to end, asked with the operations that were begun. */
  readonly isOver: (operations: number) => boolean;
  /** What is read at the end, when all is well again. */
  readonly truth: () => Promise<Backend>;
}

/**
 * Runs the clients to their end, and waits until each follower has seen all.
 *
 * @param history where it is written down
 * @returns what is in each partition at the end
 */
export async function runLog(history: History, run: LogRun): Promise<FinalPartition[]> {
  const { clients, isOver, members, partitions, topic } = run;
  const random = new Random(run.seed);
  const begun = () => history.appends.length + history.reads.length + history.truncations.length;
  const client = (name: string, member: Member) =>
    new LogClient(name, { member, history, random: new Random(random.fork()), load: run });

  const ending = new AbortController();
  const followers = members.flatMap((member) =>
    Array.from({ length: partitions }, (_, partition) => {
      const name = `follower-${member.name}-${partition}`;
      return new Follower(client(name, member), { name, partition, signal: ending.signal });
    })
  );
  await Promise.all(
    Array.from(
      { length: clients },
      (_, i) => client(`client-${i}`, members[i % members.length]!).run(() => isOver(begun())),
    ),
  );
  const truth = await run.truth();
  const final = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => readFinal(truth, topic, partition)),
  );
  for (const follower of followers) {
    const late = await follower.reaches(final[follower.partition]!.bounds.nextOffset, run.limitMs);
    if (late !== undefined) history.complaints.push(late);
  }
  ending.abort();
  await Promise.all(followers.map(({ done }) => done));
  return final;
}

async function readFinal(
  backend: Backend,
  topic: string,
  partition: number,
): Promise<FinalPartition> {
  const bounds = await backend.bounds(topic, partition);
  const records = await collect(readRecords(backend, topic, { partition }));
  return { bounds, records: records.map(({ offset, text }) => ({ offset, value: nameOf(text) })) };
}

/** A follower, and who waits for it. */
class Follower {
  readonly partition: number;
  readonly done: Promise<void>;
  readonly #name: string;
  #position = 0;
  #wake = () => {};

  constructor(
    client: LogClient,
    { name, partition, signal }: { name: string; partition: number; signal: AbortSignal },
  ) {
    this.partition = partition;
    this.#name = name;
    const reached = (position: number) => {
      this.#position = position;
      this.#wake();
    };
    this.done = client.follow(partition, { signal, reached });
  }

  /** Waits until it is as far as that. @returns what is wrong when it does not come in time */
  async reaches(nextOffset: number, limitMs: number): Promise<string | undefined> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, limitMs);
    while (this.#position < nextOffset && !isLate) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    clearTimeout(timer);
    return isLate ? `${this.#name} stands at ${this.#position} of ${nextOffset}` : undefined;
  }
}
