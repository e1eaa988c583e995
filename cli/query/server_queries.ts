/**
 * Queries that a server runs.
 *
 * @module
 */
import type { HttpBackend } from "../../client/http_backend.ts";
import { topicPath } from "../../client/topic_path.ts";
import { sleep } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { arrayElements, sliceObject } from "../../core/format/json_slices.ts";
import { parametersJson } from "../../core/query/cells.ts";
import { QUERY_ANSWER_BYTES_MAX } from "../../server/query/limits.ts";
import type { QueryAsk } from "../../server/query/queries.ts";
import { openUrl } from "../connect.ts";
import type { Context } from "../grammar/verb.ts";
import { drawProgress } from "./progress.ts";
import type { QueryRows, QuerySource } from "./query_source.ts";

/** How long to wait until a server is asked again that makes a view. */
const PAUSE_MS = 300;
/** What is around the rows of an answer. */
const MORE_BYTES = 1024 * 1024;

interface Indexes {
  readonly indexes: readonly string[];
}

/** Queries of one server. */
export class ServerQueries implements QuerySource {
  readonly #context: Context;
  readonly #backend: HttpBackend;

  private constructor(context: Context, backend: HttpBackend) {
    this.#context = context;
    this.#backend = backend;
  }

  /** Connects. */
  static async open(context: Context): Promise<ServerQueries> {
    return new ServerQueries(context, await openUrl(context));
  }

  /** A view that is being made is waited for: the server says how far it is. */
  async query(ask: QueryAsk, signal: AbortSignal): Promise<QueryRows> {
    for (;;) {
      try {
        const answer = sliceObject(await this.#ask(ask, signal));
        const isTruncated = JSON.parse(answer.get("truncated")!) as boolean;
        const columns = JSON.parse(answer.get("columns")!) as string[];
        return { columns, rows: rowsOf(answer.get("rows")!, isTruncated) };
      } catch (error) {
        const progress = progressIn(error);
        if (progress === undefined || signal.aborted) throw error;
        drawProgress(this.#context.output, progress);
        await sleep(PAUSE_MS, signal);
      } finally {
        this.#context.output.status("");
      }
    }
  }

  async indexes(topic: string): Promise<readonly string[]> {
    return (await this.#backend.api.get<Indexes>(pathOf(topic))).indexes;
  }

  async addIndex(topic: string, path: string): Promise<readonly string[]> {
    return (await this.#backend.api.post<Indexes>(pathOf(topic), { path })).indexes;
  }

  async removeIndex(topic: string, path: string): Promise<readonly string[]> {
    await this.#backend.api.delete(`${pathOf(topic)}?path=${encodeURIComponent(path)}`);
    return await this.indexes(topic);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend.close();
  }

  #ask(ask: QueryAsk, signal: AbortSignal): Promise<string> {
    const { sql, parameters, explain, rowsMax: limit, timeoutMs } = ask;
    const members = JSON.stringify({ sql, explain, limit, timeoutMs });
    const body = `${members.slice(0, -1)},"params":${parametersJson(parameters)}}`;
    const bytesMax = QUERY_ANSWER_BYTES_MAX + MORE_BYTES;
    return this.#backend.api.askText("/v1/query", body, { signal, waitMs: timeoutMs, bytesMax });
  }
}

async function* rowsOf(
  text: string,
  isTruncated: boolean,
): AsyncGenerator<string, { isTruncated: boolean }, undefined> {
  yield* arrayElements(text);
  return { isTruncated };
}

function pathOf(topic: string): string {
  return `${topicPath(topic)}/indexes`;
}

function progressIn(error: unknown): { topic: string; done: number; total: number } | undefined {
  if (!(error instanceof SeglogError) || error.code !== "unavailable") return undefined;
  const { topic, done, total } = error.details;
  return typeof topic === "string" && typeof done === "number" && typeof total === "number"
    ? { topic, done, total }
    : undefined;
}
