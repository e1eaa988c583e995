/**
 * A live follower of one partition, and what it may have seen.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Backend, readRecords, SeglogError } from "../../../mod.ts";
import { asModelled } from "./compare.ts";
import type { ModelPartition, ModelRecord } from "./model.ts";

/** How long a record may take that is there already. */
const PATIENCE_MS = 30_000;

export class Follower {
  readonly #partition: ModelPartition;
  readonly #from: number;
  readonly #ending = new AbortController();
  readonly #seen: ModelRecord[] = [];
  readonly #running: Promise<void>;
  #error: unknown;
  #wake: () => void = () => {};

  constructor(
    backend: Backend,
    spot: { readonly topic: string; readonly partition: number },
    given: { readonly partition: ModelPartition; readonly from: number },
  ) {
    this.#partition = given.partition;
    this.#from = given.from;
    const options = {
      partition: spot.partition,
      from: given.from,
      follow: true,
      signal: this.#ending.signal,
    };
    this.#running = this.#run(readRecords(backend, spot.topic, options));
  }

  /** Waits until everything that can be read was seen, and checks it. */
  async catchUp(): Promise<void> {
    const last = this.#partition.records.at(-1)?.offset ?? -1;
    const hasAll = () => this.#next > last || this.#error !== undefined;
    if (last >= this.#from && !hasAll()) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`a follower at ${this.#next} waits for offset ${last}`)),
          PATIENCE_MS,
        );
        this.#wake = () => {
          if (!hasAll()) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#check();
  }

  /** Ends it quietly. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    this.#check();
  }

  get #next(): number {
    const last = this.#seen.at(-1);
    return last === undefined ? this.#from : last.offset + 1;
  }

  async #run(records: ReturnType<typeof readRecords>): Promise<void> {
    try {
      for await (const record of records) {
        this.#seen.push(asModelled(record));
        this.#wake();
      }
    } catch (error) {
      this.#error = error;
    }
    this.#wake();
  }

  /** Each record once, in order, as it was appended; none was left out that is still there. */
  #check(): void {
    if (this.#error !== undefined) {
      assert.ok(this.#error instanceof SeglogError, String(this.#error));
      assert.equal(this.#error.code, "offset-out-of-range", this.#error.message);
      assert.ok(this.#partition.start > this.#next, "a truncation overtook the follower");
    }
    let expected = this.#from;
    for (const record of this.#seen) {
      assert.deepEqual(record, this.#partition.history.get(record.offset));
      assert.ok(record.offset >= expected);
      this.#checkAbsent(expected, record.offset);
      expected = record.offset + 1;
    }
  }

  #checkAbsent(start: number, end: number): void {
    const passed = this.#partition.records.filter(({ offset }) => offset >= start && offset < end);
    assert.deepEqual(passed, [], "a follower passed over records");
  }
}
