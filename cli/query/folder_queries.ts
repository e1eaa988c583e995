/**
 * Queries over a folder, also beside the server that owns it: the records are read without a lock, and
 * the view has one of its own.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { decodeUtf8 } from "../../core/base/bytes.ts";
import { systemClock } from "../../core/base/clock.ts";
import { QUERY_MS_MAX } from "../../server/query/limits.ts";
import { Queries, type QueryAsk } from "../../server/query/queries.ts";
import { WorkerPool } from "../../server/query/worker_pool.ts";
import { openToChange, openToRead } from "../connect.ts";
import type { Context } from "../grammar/verb.ts";
import { watchProgress } from "./progress.ts";
import type { QueryRows, QuerySource, SourceOptions } from "./query_source.ts";

/** Queries that this process runs. */
export class FolderQueries implements QuerySource {
  readonly #context: Context;
  readonly #backend: Backend;
  readonly #workers: WorkerPool;
  readonly #queries: Queries;

  private constructor(context: Context, backend: Backend, timeoutMs: number) {
    this.#context = context;
    this.#backend = backend;
    this.#workers = new WorkerPool({ queryMsMax: timeoutMs });
    this.#queries = new Queries(backend, {
      workers: this.#workers,
      clock: systemClock,
      notice: (text) => context.output.note(`seglog: ${text}`),
    });
  }

  /** Opens the folder. */
  static async open(
    context: Context,
    { toChange = false, timeoutMs = QUERY_MS_MAX }: SourceOptions,
  ): Promise<FolderQueries> {
    const backend = await (toChange ? openToChange(context) : openToRead(context));
    return new FolderQueries(context, backend, timeoutMs);
  }

  async query(ask: QueryAsk, signal: AbortSignal): Promise<QueryRows> {
    const views = this.#queries.views;
    const stop = watchProgress(this.#context.output, () => views.busiest);
    try {
      // Whose folder it is may look at all of it.
      const context = { demand: () => {}, signal, isPatient: true };
      const { columns, rows } = await this.#queries.start(ask, context);
      return { columns, rows: asText(rows) };
    } finally {
      stop();
    }
  }

  indexes(topic: string): Promise<readonly string[]> {
    return this.#queries.views.indexes(topic);
  }

  addIndex(topic: string, path: string): Promise<readonly string[]> {
    return this.#queries.views.addIndex(topic, path);
  }

  removeIndex(topic: string, path: string): Promise<readonly string[]> {
    return this.#queries.views.removeIndex(topic, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workers.close();
    await this.#queries.views.close();
    await this.#backend.close();
  }
}

async function* asText<Summary>(
  rows: AsyncGenerator<Uint8Array, Summary, undefined>,
): AsyncGenerator<string, Summary, undefined> {
  for (;;) {
    const { done, value } = await rows.next();
    if (done) return value;
    yield decodeUtf8(value);
  }
}
