/**
 * Runs queries: finds out which topics a statement is about, brings their views up to date, and has
 * the statement run by a process that can be ended.
 *
 * Which topics those are, SQLite says itself: it is given the statement with no table at first, and
 * asks for each one that it does not find. So a query sees what it names, and what whoever asks may
 * read: everything else is not there for it.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import type { Clock } from "../../core/base/clock.ts";
import { isNotFound, SeglogError } from "../../core/base/errors.ts";
import type { SqlParameters } from "../../core/query/cells.ts";
import { QUERY_TOPICS_MAX } from "../../core/query/limits.ts";
import type { QueryTopic, ReadRequest, ReadSummary } from "../../core/query/reader.ts";
import { demandParameters } from "../../core/query/placeholders.ts";
import { oneStatement } from "../../core/query/statement.ts";
import type { IndexWork } from "../../core/query/topic_view.ts";
import { Deadline } from "./deadline.ts";
import { QUERIES_REMEMBERED_MAX } from "./limits.ts";
import { type AnswerEnd, type AnswerFailure, contentOf, TAG } from "./protocol.ts";
import {
  failureError,
  noSuchTopic,
  stillBuilding,
  timeIsOver,
  workerError,
} from "./query_errors.ts";
import { QueryViews } from "./query_views.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** What is asked. */
export interface QueryAsk {
  readonly sql: string;
  readonly parameters: SqlParameters;
  /** Show how SQLite would run the statement, and do not run it. */
  readonly explain: boolean;
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** Time that it has. */
  readonly timeoutMs: number;
}

/** Who asks, and how. */
export interface QueryContext {
  /** Refuses topics that whoever asks may not read. */
  readonly demand: (topic: string) => void;
  /** Ends it early: nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Wait for a view for as long as it takes: the time counts from when it is there. */
  readonly isPatient?: boolean;
}

/** An answer that is on its way. */
export interface QueryAnswer {
  readonly columns: readonly string[];
  /** Each a JSON array, in order. Whoever stops taking them ends the query. */
  readonly rows: AsyncGenerator<Uint8Array, ReadSummary, undefined>;
}

/** What queries are run with. */
export interface QueriesOptions {
  /** The processes that run them; they are the caller's to close. */
  readonly workers: WorkerPool;
  readonly clock: Clock;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
}

/** How often a query begins again because files were not there, or damaged. */
const TRIES_MAX = 3;

/** Queries over the views of one tenant. */
export class Queries {
  readonly views: QueryViews;
  readonly #backend: Backend;
  readonly #workers: WorkerPool;
  readonly #clock: Clock;
  readonly #notice: (text: string) => void;
  /** The topics of statements that ran already: the next time they are known at once. */
  readonly #topicsOf = new Map<string, readonly string[]>();

  constructor(backend: Backend, { workers, ...options }: QueriesOptions) {
    this.views = new QueryViews(backend, {
      ...options,
      index: (work) => this.#makeIndexes(work),
    });
    this.#backend = backend;
    this.#workers = workers;
    this.#clock = options.clock;
    this.#notice = options.notice;
  }

  /**
   * Runs a query.
   *
   * @returns when its columns are known; rows come as they are taken
   * @throws {SeglogError} `invalid-argument` for the statement; `not-found` for a topic; what `demand`
   * throws; `request-timeout`; `too-large`; `unavailable` while a view is being made
   */
  async start(ask: QueryAsk, context: QueryContext): Promise<QueryAnswer> {
    const statement = oneStatement(ask.sql);
    if (!ask.explain) demandParameters(statement, ask.parameters);
    const sql = ask.explain ? `explain query plan ${statement}` : statement;
    this.#workers.warm();
    const topics = new Set(this.#topicsOf.get(sql));
    const deadline = new Deadline(context.signal, this.#clock);
    if (!context.isPatient) deadline.set(ask.timeoutMs);
    try {
      for (let tries = 1;;) {
        const views = await this.#views(topics, context, deadline);
        if (context.isPatient) deadline.set(ask.timeoutMs);
        const request = { ...ask, sql, topics: views };
        const outcome = await this.#attempt(request, { ask, deadline });
        if ("columns" in outcome) {
          this.#remember(sql, topics);
          return outcome;
        }
        if (context.isPatient) deadline.unset();
        if ("missing" in outcome) addTopic(topics, outcome.missing);
        else if (isPassing(outcome.failure) && tries++ < TRIES_MAX) {
          if (outcome.failure.kind === "damaged") await this.views.discard([...topics]);
        } else throw failureError(outcome.failure);
      }
    } catch (error) {
      deadline.release();
      if (deadline.isOver && !isTold(error)) throw timeIsOver(ask.timeoutMs);
      const told = workerError(error);
      if (told instanceof SeglogError && told.cause instanceof Error && isOurs(told)) {
        this.#notice(`query: ${told.message}: ${told.cause.message}`);
      }
      throw told;
    }
  }

  async #views(
    topics: ReadonlySet<string>,
    { demand }: QueryContext,
    deadline: Deadline,
  ): Promise<QueryTopic[]> {
    const views: QueryTopic[] = [];
    for (const topic of [...topics].toSorted()) {
      demand(topic);
      try {
        views.push(await deadline.within(this.views.upToDate(topic)));
      } catch (error) {
        if (deadline.isOver) throw stillBuilding(topic, this.views.progressOf(topic));
        if (!isNotFound(error)) throw error;
        throw noSuchTopic(topic, await this.#backend.listTopics(), demand);
      }
    }
    return views;
  }

  /** Asks a process, and listens until it is clear what comes of it. */
  async #attempt(
    request: ReadRequest,
    { ask, deadline }: { ask: QueryAsk; deadline: Deadline },
  ): Promise<QueryAnswer | { missing: string } | { failure: AnswerFailure }> {
    const lines = this.#workers.run({ read: request }, { owner: this, signal: deadline.signal });
    const { value: first } = await lines.next();
    switch (first?.[0]) {
      case TAG.missing:
        return { missing: contentOf<{ table: string }>(first).table };
      case TAG.columns:
        break;
      default:
        return { failure: contentOf<AnswerFailure>(first!) };
    }
    const second = await lines.next();
    if (second.value?.[0] === TAG.failure) return { failure: contentOf(second.value) };
    const columns = contentOf<string[]>(first);
    return { columns, rows: rowsOf(lines, second.value!, { ask, deadline }) };
  }

  /** It takes as long as it takes, and is not for one caller only. @throws {SeglogError} */
  async #makeIndexes(index: IndexWork): Promise<void> {
    const { signal } = new AbortController();
    for await (const line of this.#workers.run({ index }, { owner: this, signal })) {
      if (line[0] === TAG.failure) throw failureError(contentOf(line));
    }
  }

  #remember(sql: string, topics: ReadonlySet<string>): void {
    this.#topicsOf.delete(sql);
    this.#topicsOf.set(sql, [...topics]);
    if (this.#topicsOf.size > QUERIES_REMEMBERED_MAX) {
      this.#topicsOf.delete(this.#topicsOf.keys().next().value!);
    }
  }
}

/** The rows behind the columns, until the end is told. */
async function* rowsOf(
  lines: AsyncGenerator<Uint8Array, void, undefined>,
  first: Uint8Array,
  { ask, deadline }: { ask: QueryAsk; deadline: Deadline },
): AsyncGenerator<Uint8Array, ReadSummary, undefined> {
  try {
    for (let line = first;;) {
      if (line[0] === TAG.end) return contentOf<AnswerEnd>(line);
      if (line[0] === TAG.failure) throw failureError(contentOf(line));
      yield line.subarray(1);
      line = (await lines.next()).value!;
    }
  } catch (error) {
    throw deadline.isOver && !isTold(error) ? timeIsOver(ask.timeoutMs) : workerError(error);
  } finally {
    deadline.release();
    await lines.return();
  }
}

/** A table that is missing is a topic, unless it was given already. */
function addTopic(topics: Set<string>, name: string): void {
  const wrong = (why: string) =>
    new SeglogError("invalid-argument", `Cannot run the query: ${why}`);
  if (topics.has(name)) {
    throw wrong(`there is no table ${name}; write the name of a topic in double quotes: "${name}"`);
  }
  const other = [...topics].find((topic) => topic.toLowerCase() === name.toLowerCase());
  if (other !== undefined) {
    throw wrong(
      `"${other}" and "${name}" are the same name to SQL; ask about them one by one`,
    );
  }
  if (/^sqlite_/i.test(name)) {
    throw new SeglogError(
      "not-found",
      `Cannot query "${name}": SQLite keeps names that begin with sqlite_ for itself`,
    );
  }
  if (topics.size === QUERY_TOPICS_MAX) {
    throw wrong(`it is about more than ${QUERY_TOPICS_MAX} topics`);
  }
  topics.add(name);
}

/** Whether another try can help: the file was replaced meanwhile, or can be made anew. */
function isPassing({ kind }: AnswerFailure): boolean {
  return kind === "stale" || kind === "damaged";
}

/** Whether what is wrong is for who runs the server to see. */
function isOurs({ code }: SeglogError): boolean {
  return code === "io" || code === "internal";
}

/** Whether an error says what is wrong already, whatever time it is. */
function isTold(error: unknown): boolean {
  return error instanceof SeglogError && error.code !== "request-timeout";
}
