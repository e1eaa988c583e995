/** Views and queries over a store, as tests ask for them. */
import { join } from "node:path";
import type { SqlParameters } from "../../core/query/cells.ts";
import { QueryReader, type QueryTopic } from "../../core/query/reader.ts";
import { isDamage, loadSqlite } from "../../core/query/sqlite.ts";
import { TopicView, type TopicViewOptions } from "../../core/query/topic_view.ts";
import { type Clock, systemClock } from "../../core/base/clock.ts";
import type { Backend } from "../../mod.ts";
import { Queries, type QueryAsk, type QueryContext } from "../../server/query/queries.ts";
import { WorkerPool } from "../../server/query/worker_pool.ts";

/** Rows of a query, and what is told with them. */
export interface Asked {
  readonly columns: readonly string[];
  readonly rows: readonly unknown[][];
  /** The rows as JSON. */
  readonly texts: readonly string[];
  readonly isTruncated: boolean;
  readonly offsets: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A view of one topic that this process queries itself: nothing that a test asks runs for ever. */
export interface OpenView extends AsyncDisposable {
  readonly view: TopicView;
  readonly path: string;
  /** Takes in what there is, and asks; of a view that is made anew, where its file is damaged. */
  ask(sql: string, parameters?: SqlParameters): Promise<Asked>;
  /** Asks of what is taken in. */
  askNow(sql: string, parameters?: SqlParameters): Asked;
}

export async function openView(
  backend: Backend,
  topic: string,
  options: { readonly folder: string } & Partial<TopicViewOptions>,
): Promise<OpenView> {
  const sqlite = await loadSqlite();
  const path = join(options.folder, "view.sqlite");
  const view = new TopicView(backend, topic, { sqlite, places: [() => path], ...options });
  const reader = new QueryReader(sqlite);
  const askNow = (sql: string, parameters: SqlParameters = []) =>
    read(reader, { sql, parameters, topics: [{ name: topic, path: view.path }] });
  return {
    view,
    path,
    askNow,
    async ask(sql, parameters) {
      await view.catchUp();
      try {
        return askNow(sql, parameters);
      } catch (error) {
        if (!isDamage(error)) throw error;
        await view.discard();
        await view.catchUp();
        return askNow(sql, parameters);
      }
    },
    async [Symbol.asyncDispose]() {
      reader.close();
      await view.close();
    },
  };
}

/** Runs a query in this process. */
export function read(
  reader: QueryReader,
  request: { sql: string; parameters?: SqlParameters; topics: readonly QueryTopic[] },
): Asked {
  let columns: readonly string[] = [];
  const texts: string[] = [];
  const limits = { rowsMax: 1_000_000, bytesMax: 1 << 30, parameters: [] };
  const { isTruncated, offsets } = reader.run({ ...limits, ...request }, {
    columns: (names) => columns = names,
    row: (json) => texts.push(json),
  });
  return { columns, rows: texts.map((text) => JSON.parse(text)), texts, isTruncated, offsets };
}

/** Queries that processes run. */
export interface OpenQueries extends AsyncDisposable {
  readonly queries: Queries;
  readonly workers: WorkerPool;
  readonly notices: readonly string[];
  ask(
    sql: string,
    parameters?: SqlParameters,
    more?: Partial<QueryAsk> & Partial<QueryContext>,
  ): Promise<Asked>;
}

export function openQueries(
  backend: Backend,
  workers: WorkerPool = new WorkerPool({ workersMax: 3 }),
  clock: Clock = systemClock,
): OpenQueries {
  const notices: string[] = [];
  const notice = (text: string) => void notices.push(text);
  const queries = new Queries(backend, { workers, clock, notice });
  return {
    queries,
    workers,
    notices,
    async ask(sql, parameters = [], more = {}) {
      const { demand = () => {}, signal = new AbortController().signal, isPatient = true } = more;
      const answer = await queries.start({
        sql,
        parameters,
        explain: false,
        rowsMax: 1000,
        bytesMax: 1 << 26,
        timeoutMs: 20_000,
        ...more,
      }, { demand, signal, isPatient });
      const texts: string[] = [];
      for (;;) {
        const { done, value } = await answer.rows.next();
        if (!done) texts.push(new TextDecoder().decode(value));
        else {
          const { isTruncated, offsets } = value;
          const rows = texts.map((text) => JSON.parse(text));
          return { columns: answer.columns, rows, texts, isTruncated, offsets };
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await workers.close();
      await queries.views.close();
    },
  };
}

/** Records with JSON values. */
export function jsonRecords(count: number, from = 0) {
  return Array.from({ length: count }, (_, i) => ({
    key: `k${(from + i) % 10}`,
    value: JSON.stringify({ id: from + i, user: { id: `u${(from + i) % 50}` } }),
    type: "json" as const,
  }));
}
