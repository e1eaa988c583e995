/**
 * A backend that can be closed, crashed and opened again: in memory, on disk, or reached over HTTP.
 *
 * @module
 */
import {
  type Backend,
  type Clock,
  connect,
  MemoryDisk,
  Store,
  type TopicConfig,
} from "../../../mod.ts";
import { createApp } from "../../../server/app.ts";
import { tempDir } from "../../support/temp_dir.ts";

/** What is behind a backend. */
export type SubjectKind = "memory" | "disk" | "http";

/** Small segments, so that logs roll. */
export const DEFAULTS: Partial<TopicConfig> = { segmentBytes: 4096 };

/** Time that moves when it is told to; nothing happens by itself. */
class HandClock implements Clock {
  nowMs = 1_000_000;

  now(): number {
    return this.nowMs;
  }

  after(): () => void {
    return () => {};
  }
}

/** A backend and what is behind it. */
export class Subject implements AsyncDisposable {
  readonly kind: SubjectKind;
  readonly clock = new HandClock();
  readonly #disk: MemoryDisk | undefined;
  readonly #folder: ReturnType<typeof tempDir> | undefined;
  #store!: Store;
  #backend!: Backend;
  #beside!: Store;

  private constructor(kind: SubjectKind) {
    this.kind = kind;
    if (kind === "disk") this.#folder = tempDir();
    else this.#disk = new MemoryDisk();
  }

  static async open(kind: SubjectKind): Promise<Subject> {
    const subject = new Subject(kind);
    await subject.#open();
    return subject;
  }

  get backend(): Backend {
    return this.#backend;
  }

  /** The same data, read without its owner's help. */
  get beside(): Backend {
    return this.#beside;
  }

  /** Whether it can lose what was not synced. */
  get canCrash(): boolean {
    return this.#disk !== undefined;
  }

  async maintain(): Promise<void> {
    await this.#store.maintain();
  }

  async reopen(): Promise<void> {
    await this.#close();
    await this.#open();
  }

  /** Loses all that was not synced. What was open is never heard of again. */
  async crash(): Promise<void> {
    await this.#beside.close();
    if (this.#backend !== this.#store) await this.#backend.close();
    this.#disk!.crash();
    await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await this.#folder?.[Symbol.asyncDispose]();
  }

  async #close(): Promise<void> {
    await this.#beside.close();
    await this.#backend.close();
    await this.#store.close();
  }

  async #open(): Promise<void> {
    const folder = this.#folder?.path ?? "/store";
    const options = { disk: this.#disk, clock: this.clock, defaults: DEFAULTS };
    this.#store = await Store.open(folder, options);
    this.#beside = await Store.open(folder, { ...options, readOnly: true });
    if (this.kind !== "http") {
      this.#backend = this.#store;
      return;
    }
    const app = createApp(this.#store, { clock: this.clock });
    const fetch = async (url: string, init: RequestInit) => await app.fetch(new Request(url, init));
    this.#backend = await connect("http://localhost", { fetch });
  }
}
